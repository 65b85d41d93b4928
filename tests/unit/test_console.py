"""What every command takes for a moment, and whom it takes for its user."""

import pwd
from typing import NoReturn

import click
import pytest

from ml_core.entrypoints.console import LINE, MOMENT, whoami


def test_a_user_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run under numbers that no file of users knows: a verdict is kept all the same."""

    def know_nobody(uid: int) -> NoReturn:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", know_nobody)
    monkeypatch.setattr("os.getuid", lambda: 54321)

    assert whoami() == "uid 54321"


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-31", "soon"])
def test_a_moment_that_nothing_can_be_reckoned_from_is_wrong_usage(text: str) -> None:
    """The ends of the calendar are refused as a text without a zone is, and end no command in the middle."""
    with pytest.raises(click.BadParameter):
        MOMENT.convert(text, None, None)


@pytest.mark.parametrize("words", ["valve stuck", "Ventil klemmt: ü, 轴承, [bold]x[/bold] <b> @all", ""])
def test_words_of_a_person_are_kept_as_they_are(words: str) -> None:
    """In any language, with any sign that is one."""
    assert LINE.convert(words, None, None) == words


@pytest.mark.parametrize("words", ["\x1b[31mred", "one\ntwo", "bell\x07", "\udcff\udcfe", "\u202egnirts"])
def test_words_that_would_steer_a_terminal_are_wrong_usage(words: str) -> None:
    """Whoever explains an anomaly later sees what was said, and nothing else happens."""
    with pytest.raises(click.BadParameter, match="control character"):
        LINE.convert(words, None, None)
