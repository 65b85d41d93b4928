"""A generated password in a file that only its owner may read."""

from __future__ import annotations

import secrets
from pathlib import Path

from ml_core.adapters.artifacts.atomic_file import write_atomically
from ml_core.errors import ConfigurationError


class PasswordFile:
    """One password; made once and then kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self._path)

    def find(self) -> str | None:
        """The password, if one was made."""
        try:
            return self._path.read_text(encoding="utf-8").strip() or None
        except (FileNotFoundError, NotADirectoryError):
            return None

    def ensure(self) -> str:
        """The password, made at the first ask; ConfigurationError where it cannot be kept."""
        known = self.find()
        if known is None:
            known = secrets.token_urlsafe(24)
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(self._path, known + "\n", mode=0o600)
            except OSError as exc:
                raise ConfigurationError(
                    f"{self._path} cannot be written ({exc.strerror}): "
                    "set ML_HEALTH_HOME to a folder that you can write"
                ) from exc
        return known
