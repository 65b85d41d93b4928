"""What a site's set-up is checked for: each check says what it saw and what to do about it."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Literal

from ml_core.bootstrap import Platform
from ml_core.domain.schedule import latest_slot
from ml_core.domain.series import FIXED_TENANT
from ml_core.domain.task import Outcome
from ml_core.errors import MLHealthError
from ml_core.manifest import load_manifest
from ml_core.services.training.store_probe import probe_store

Grade = Literal["ok", "warn", "fail"]
LEAST_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One thing looked at."""

    what: str
    grade: Grade
    seen: str
    advice: str = ""


def examine(platform: Platform, now: datetime) -> Iterator[Diagnosis]:
    """Look at everything that can be looked at; what depends on a failed part is left out."""
    yield from _look_at_settings(platform)
    yield _guard("home", _look_at_home, platform)
    database = _guard("database", _look_at_database, platform)
    yield database
    if database.grade != "fail":
        for what, look in _AFTER_DATABASE.items():
            yield _guard(what, look, platform, now)
    yield _guard("artifacts", _look_at_artifacts, platform)
    yield _look_at_github(platform)
    yield _look_at_extras()


def _guard(what: str, look: Callable[..., Diagnosis], *arguments: object) -> Diagnosis:
    try:
        return look(*arguments)
    except (MLHealthError, OSError) as exc:
        return Diagnosis(what=what, grade="fail", seen=str(exc), advice="mend what this names, then look again")


def _look_at_settings(platform: Platform) -> Iterator[Diagnosis]:
    path = platform.settings.config_path
    seen = f"read from {path}" if path else "defaults and environment; no file"
    yield Diagnosis(what="settings", grade="ok", seen=seen, advice="`ml-health config --example` prints a file")
    if path and platform.settings.github.token and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Diagnosis(
            what="settings",
            grade="warn",
            seen=f"{path} can be read by others and a GitHub token is set",
            advice=f"chmod 600 {path}, or give the token as ML_HEALTH_GITHUB__TOKEN",
        )
    version = ".".join(map(str, sys.version_info[:3]))
    yield Diagnosis(what="python", grade="ok", seen=f"{version} at {sys.executable}")


def _look_at_home(platform: Platform) -> Diagnosis:
    home = platform.settings.home
    standing = home if home.exists() else next(parent for parent in home.parents if parent.exists())
    if not os.access(standing, os.W_OK):
        advice = "set ML_HEALTH_HOME to a folder of yours"
        return Diagnosis(what="home", grade="fail", seen=f"{home} cannot be written", advice=advice)
    free = shutil.disk_usage(standing).free
    enough = free >= LEAST_FREE_BYTES
    return Diagnosis(
        what="home",
        grade="ok" if enough else "warn",
        seen=f"{home}, {free / 1e9:.1f} GB free",
        advice="" if enough else "make room: models and the embedded database live here",
    )


def _look_at_database(platform: Platform) -> Diagnosis:
    kind = "the platform's" if platform.settings.database.url else "embedded"
    version = platform.database and platform.migrator.current_version()
    return Diagnosis(what="database", grade="ok", seen=f"{kind}, {platform.store.address}, schema version {version}")


def _find_tenants(platform: Platform) -> int:
    return len({record.key.tenant for record in platform.series.list_series()} - {FIXED_TENANT})


def _look_at_telemetry(platform: Platform, now: datetime) -> Diagnosis:
    extents = platform.telemetry.list_extents(until=now)
    relation = platform.settings.telemetry.relation
    if not platform.settings.telemetry.tenant_column and (tenants := _find_tenants(platform)):
        return Diagnosis(
            what="telemetry",
            grade="warn",
            seen=f"the site has {tenants} tenants, but telemetry.tenant_column is empty: their readings are taken for "
            "those of no tenant, and their series find none",
            advice=f"set telemetry.tenant_column to the column of {relation} that names the tenant",
        )
    if not extents:
        return Diagnosis(
            what="telemetry",
            grade="warn",
            seen=f"{relation} holds no readings",
            advice="`ml-health import FILE`, or map the platform's table in [telemetry]",
        )
    newest = max(extent.newest_at for extent in extents)
    return Diagnosis(what="telemetry", grade="ok", seen=f"{relation}: {len(extents)} series, newest {newest:%F %H:%M}Z")


def _look_at_runs(platform: Platform, now: datetime) -> Diagnosis:
    late = []
    for spec in load_manifest().tasks:
        done = [Outcome.SUCCEEDED, Outcome.PARTIAL, Outcome.SKIPPED]
        latest = platform.runs.latest(spec.task_id, until=now, outcomes=done)
        due = latest_slot(spec.schedule, now - timedelta(seconds=spec.jitter_s + spec.timeout_s))
        if latest is None or latest.slot < due:
            late.append(spec.task_id)
    if not late:
        return Diagnosis(what="runs", grade="ok", seen="every task ran in its last slot")
    return Diagnosis(
        what="runs",
        grade="warn",
        seen=f"not run when due: {', '.join(late)}",
        advice="start `ml-health scheduler`, or attach the plugin to the host",
    )


def _look_at_findings(platform: Platform, now: datetime) -> Diagnosis:
    series = platform.series.list_series()
    unknown = sum(record.health.value == "unknown" for record in series)
    return Diagnosis(
        what="series",
        grade="ok" if series else "warn",
        seen=f"{len(series)} known, {unknown} of unknown health",
        advice="" if series else "`ml-health run ml_discover` looks for them",
    )


_AFTER_DATABASE: dict[str, Callable[[Platform, datetime], Diagnosis]] = {
    "telemetry": _look_at_telemetry,
    "series": _look_at_findings,
    "runs": _look_at_runs,
}


def _look_at_artifacts(platform: Platform) -> Diagnosis:
    """Probe the store as a training does: one that cannot be written is known before a retrain tries."""
    probe_store(platform.artifacts)
    where = platform.settings.artifacts.url or platform.settings.home / "artifacts"
    return Diagnosis(what="artifacts", grade="ok", seen=f"{where} can be written and read")


def _look_at_github(platform: Platform) -> Diagnosis:
    github = platform.settings.github
    if github.is_set:
        return Diagnosis(what="issues", grade="ok", seen=f"filed in {github.repository} at {github.base_url}")
    folder = github.folder or platform.settings.home / "issues"
    missing = (
        "repository" if github.token or github.app_id else "token" if github.repository else "repository and token"
    )
    return Diagnosis(
        what="issues",
        grade="warn",
        seen=f"rendered into {folder}: no {missing} is set",
        advice="set github.repository, and ML_HEALTH_GITHUB__TOKEN with the right to write issues",
    )


def _look_at_extras() -> Diagnosis:
    missing = [name for name in ("river", "matplotlib", "psutil") if find_spec(name) is None]
    if not missing:
        return Diagnosis(what="extras", grade="ok", seen="what the demo needs is installed")
    return Diagnosis(
        what="extras", grade="ok", seen=f"without {', '.join(missing)}", advice="pip install 'iiot-ml-health[demo]'"
    )
