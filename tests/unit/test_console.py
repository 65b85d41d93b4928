"""What every command says of the person before it."""

import pwd
from typing import NoReturn

import pytest

from ml_core.entrypoints.console import whoami


def test_a_user_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run under numbers that no file of users knows: a verdict is kept all the same."""

    def know_nobody(uid: int) -> NoReturn:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", know_nobody)
    monkeypatch.setattr("os.getuid", lambda: 54321)

    assert whoami() == "uid 54321"
