"""What a database is made from: migrations in their order, views, roles; packaged with this code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ml_core.errors import ConfigurationError
from ml_core.sql import list_sql, load_views, read_sql

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One step of the schema; applied whole or not at all."""

    version: int
    name: str
    sql: str

    def __str__(self) -> str:
        return f"{self.version:04d}_{self.name}"


@dataclass(frozen=True, kw_only=True)
class SchemaResources:
    """Migrations numbered from 1 without a gap; the SQL of each view in order of creation; the roles."""

    migrations: Sequence[Migration]
    views: Sequence[str] = ()
    roles: str = ""

    def __post_init__(self) -> None:
        found = [migration.version for migration in self.migrations]
        if found != list(range(1, len(found) + 1)):
            raise ConfigurationError(f"migrations must be numbered 1, 2, 3 ... without gap or twin, not {found}")

    @property
    def version(self) -> int:
        """The schema version that this code is written for."""
        return len(self.migrations)


def load_packaged_resources() -> SchemaResources:
    """The SQL files of this package."""
    return SchemaResources(
        migrations=[_load_migration(path) for path in list_sql("migrations")],
        views=list(load_views().values()),
        roles=read_sql("roles.sql"),
    )


def _load_migration(path: str) -> Migration:
    found = _FILE_NAME.fullmatch(PurePosixPath(path).name)
    if found is None:
        raise ConfigurationError(f"{path}: a migration is named NNNN_name.sql")
    return Migration(version=int(found.group(1)), name=found.group(2), sql=read_sql(path))
