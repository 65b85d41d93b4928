"""The provisioning folder of Grafana: datasource, dashboard provider and dashboards, from the package's own files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from ml_core.adapters.atomic_file import write_atomically
from ml_core.errors import ConfigurationError
from ml_core.grafana.names import DATASOURCE_TYPE, FOLDER_UID, NAME, PASSWORD_VARIABLE
from ml_core.ports.grafana_files import Datasource, FileChanges

# Half of what the login is allowed, so that a restarted Grafana finds room beside its predecessor.
MAX_CONNECTIONS = 5
DATASOURCE_FILE = "datasources/ml-health.yaml"
PROVIDER_FILE = "dashboards/ml-health.yaml"
DASHBOARDS = "dashboards/ml-health"


@dataclass(frozen=True, kw_only=True)
class ProvisionedFile:
    """One file: its path within the folder, its content, and who may read it."""

    path: str
    text: str = field(repr=False)
    mode: int


def render_files(datasource: Datasource, *, dashboards_path: str) -> Iterator[ProvisionedFile]:
    """Every file, from the packaged templates and dashboards; `dashboards_path` is where Grafana sees the latter."""
    password = f'"${{{PASSWORD_VARIABLE}}}"' if datasource.password is None else _quote(datasource.password)
    connection = {
        "name": _quote(NAME),
        "uid": _quote(datasource.uid),
        "type": _quote(DATASOURCE_TYPE),
        "url": _quote(datasource.address),
        "user": _quote(datasource.user),
        "database": _quote(datasource.database),
        "sslmode": _quote(datasource.sslmode),
        "postgres_version": str(datasource.postgres_major * 100),
        "max_connections": str(MAX_CONNECTIONS),
        "password": password,
    }
    provider = {
        "name": _quote(NAME),
        "folder": _quote(NAME),
        "folder_uid": _quote(FOLDER_UID),
        "path": _quote(dashboards_path),
    }
    yield ProvisionedFile(path=DATASOURCE_FILE, text=_fill(DATASOURCE_FILE, connection), mode=0o600)
    yield ProvisionedFile(path=PROVIDER_FILE, text=_fill(PROVIDER_FILE, provider), mode=0o644)
    for entry in sorted(_packaged("json").iterdir(), key=lambda entry: entry.name):
        text = entry.read_text(encoding="utf-8")
        yield ProvisionedFile(path=f"{DASHBOARDS}/{entry.name}", text=text, mode=0o644)


class ProvisioningFolder:
    """A folder that Grafana reads at its start, and the dashboards in it every minute."""

    def __init__(self, folder: Path, *, dashboards_path: str = "") -> None:
        self._folder = folder
        self._dashboards_path = dashboards_path or str(folder / DASHBOARDS)

    def write(self, datasource: Datasource, *, dry_run: bool) -> FileChanges:
        """Bring every file up to date, each one all or nothing; those that are current are not touched."""
        wanted = list(render_files(datasource, dashboards_path=self._dashboards_path))
        changed = [file for file in wanted if not self._is_current(file)]
        if not dry_run:
            for file in changed:
                self._write(file)
        return FileChanges(written=tuple(file.path for file in changed), unchanged=len(wanted) - len(changed))

    def _is_current(self, file: ProvisionedFile) -> bool:
        path = self._folder / file.path
        if not path.is_file():
            return False
        return path.stat().st_mode & 0o777 == file.mode and path.read_text(encoding="utf-8") == file.text

    def _write(self, file: ProvisionedFile) -> None:
        path = self._folder / file.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, file.text, mode=file.mode)
        except OSError as exc:
            raise ConfigurationError(
                f"{path} cannot be written ({exc.strerror}): give this user the folder, or name another one in "
                "grafana.provisioning_dir"
            ) from exc


def _packaged(name: str) -> Traversable:
    return files("ml_core.grafana").joinpath(name)


def _fill(template: str, values: Mapping[str, str]) -> str:
    text = _packaged("provisioning").joinpath(template).read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _quote(value: str) -> str:
    # A JSON text is a YAML text; Grafana reads $NAME in it as its own variable unless the dollar is doubled.
    return json.dumps(value.replace("$", "$$"), ensure_ascii=False)
