"""The login that Grafana uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where the database is, as this program reaches it."""

    host: str
    port: int
    database: str
    encrypted: bool
    major: int

    @property
    def host_and_port(self) -> str:
        """HOST:PORT, or the folder of a local socket."""
        return self.host if self.host.startswith("/") else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class ReaderLogin:
    """What the server knows of a login."""

    exists: bool
    reads_views: bool


class ReaderAccess(Protocol):
    """Logins of the database server."""

    def locate(self) -> ServerAddress:
        """Where the database is."""
        ...

    def find(self, user: str) -> ReaderLogin:
        """Whether the login is there and may read every view."""
        ...

    def may_create(self) -> bool:
        """Whether the current login may create others."""
        ...

    def create(self, user: str, password: str) -> str | None:
        """Create the login as a reader and nothing else; the server's reason where it refuses."""
        ...

    def try_login(self, user: str, password: str) -> str | None:
        """Log in and out again; the server's reason where it refuses."""
        ...


class PasswordStore(Protocol):
    """Where the generated password of a login is kept."""

    @property
    def place(self) -> str:
        """Where a person finds it."""
        ...

    def find(self) -> str | None:
        """The password, if one was made."""
        ...

    def ensure(self) -> str:
        """The password, made at the first ask."""
        ...
