"""The provisioning folder of Grafana, written, compared and kept free of what is no longer wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

from ml_core.adapters.artifacts.atomic_file import write_atomically
from ml_core.adapters.grafana.files import ALERTING_FILES, DASHBOARDS, ProvisionedFile, render_files
from ml_core.errors import ConfigurationError
from ml_core.ports.grafana_files import Alerting, Datasource, FileChanges

SECRET_LINE = re.compile(r"(?m)^( +password: ).*$")


class ProvisioningFolder:
    """A folder that Grafana reads at its start, and the dashboards in it every minute."""

    def __init__(self, folder: Path, *, dashboards_path: str = "", alerting: Alerting | None = None) -> None:
        self._folder = folder
        self._alerting = alerting
        self._dashboards_path = dashboards_path or str(folder / DASHBOARDS)

    def write(self, datasource: Datasource, *, dry_run: bool) -> FileChanges:
        """Bring every file up to date, each one all or nothing, and remove those of ours that are no longer wanted."""
        wanted = list(render_files(datasource, dashboards_path=self._dashboards_path, alerting=self._alerting))
        changed = [file for file in wanted if not self._is_current(file)]
        left_over = self._list_left_over({file.path for file in wanted})
        if not dry_run:
            for file in changed:
                self._write(file)
            for path in left_over:
                (self._folder / path).unlink(missing_ok=True)
        return FileChanges(
            written=tuple(file.path for file in changed),
            unchanged=len(wanted) - len(changed),
            removed=tuple(left_over),
        )

    def differences(self, datasource: Datasource) -> Iterator[str]:
        """How the folder differs from what would be written, as a unified diff; the datasource's secret is left out."""
        wanted = list(render_files(datasource, dashboards_path=self._dashboards_path, alerting=self._alerting))
        for file in wanted:
            path = self._folder / file.path
            found = path.read_text(encoding="utf-8") if path.is_file() else ""
            before, after = (SECRET_LINE.sub(r"\1***", text).splitlines(keepends=True) for text in (found, file.text))
            yield from unified_diff(before, after, fromfile=str(path), tofile=f"{file.path} of this package", n=2)
        for name in self._list_left_over({file.path for file in wanted}):
            yield f"no longer wanted: {self._folder / name}\n"

    def _list_left_over(self, wanted: set[str]) -> list[str]:
        """Dashboards and alerting files of earlier versions or settings."""
        ours = [self._folder / path for path in ALERTING_FILES.values()]
        found = [*(self._folder / DASHBOARDS).glob("*.json"), *(path for path in ours if path.is_file())]
        names = (path.relative_to(self._folder).as_posix() for path in found)
        return sorted(name for name in names if name not in wanted)

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
