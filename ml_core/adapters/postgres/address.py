"""Where a database is, and what went wrong there, in one line for people and never with the password."""

from __future__ import annotations

import psycopg2
from psycopg2.errors import LockNotAvailable, QueryCanceled
from psycopg2.extensions import TransactionRollbackError, parse_dsn

from ml_core.errors import ConfigurationError, ConflictError, DatabaseUnavailableError, MLHealthError


class DatabaseAddress:
    """A PostgreSQL URL taken apart; written as `host:port/database`."""

    def __init__(self, url: str) -> None:
        try:
            self._parts: dict[str, str] = parse_dsn(url)
        except psycopg2.Error:
            # The driver's message may quote the whole URL with its password.
            raise ConfigurationError(
                "ML_HEALTH_DATABASE_URL is no PostgreSQL address: write "
                "postgresql://<user>:<password>@HOST:PORT/DATABASE with special characters of the password "
                "percent-encoded"
            ) from None

    def __str__(self) -> str:
        host, port = self._parts.get("host", "local socket"), self._parts.get("port", "5432")
        return f"{host}:{port}/{self._parts.get('dbname', '')}"

    @property
    def options(self) -> str:
        """The session options that the URL itself asks for."""
        return self._parts.get("options", "")

    def quote(self, exc: psycopg2.Error) -> str:
        """What the driver said, in one line and without the password."""
        text = " ".join(str(exc).split()) or type(exc).__name__
        password = self._parts.get("password")
        return text.replace(password, "***") if password else text

    def explain(self, exc: psycopg2.Error) -> MLHealthError:
        """Our error for the driver's, saying where it happened and what to check."""
        said = f"PostgreSQL at {self}: {self.quote(exc)}"
        match exc:
            case TransactionRollbackError():
                return ConflictError(f"{said}; nothing was written, try again")
            case LockNotAvailable():
                return ConflictError(f"{said}; another session holds the lock, nothing was written, try again later")
            case QueryCanceled():
                return DatabaseUnavailableError(f"{said}; check the server's load and pg_stat_activity")
        return DatabaseUnavailableError(
            f"{said}; check that the server runs and that ML_HEALTH_DATABASE_URL names the right host, port, "
            "database, user and password"
        )
