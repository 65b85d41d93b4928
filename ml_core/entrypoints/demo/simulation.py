"""The schedule on an injected clock: readings arrive, faults happen, and whatever is due is run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ml_core.bootstrap import Platform
from ml_core.domain.model_version import ModelStatus
from ml_core.domain.schedule import latest_slot
from ml_core.domain.series import SeriesKey
from ml_core.domain.task import Outcome, TaskResult
from ml_core.entrypoints.demo.loading import load_readings
from ml_core.entrypoints.demo.story import STEP, DemoSeries
from ml_core.entrypoints.due import find_due_slot
from ml_core.entrypoints.runner import run_task
from ml_core.manifest import TaskSpec, load_manifest


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """The story, told to the real platform; every part can be done twice without harm."""

    platform: Platform
    series: Sequence[DemoSeries]
    begin: datetime
    end: datetime

    def moments(self) -> list[datetime]:
        """When something happens: early connections, then every step until the end."""
        early = sorted({series.connected_at for series in self.series if series.connected_at < self.begin})
        steps = []
        moment = self.begin
        while moment <= self.end:
            steps.append(moment)
            moment += STEP
        return early + steps

    def run(self, tell: Callable[[datetime, TaskResult | None], None]) -> None:
        """Go through the moments; `tell` hears of each run that was due, and None at each moment's end."""
        previous: datetime | None = None
        for moment in self.moments():
            self._arrive(previous, moment)
            for result in self._work(moment):
                tell(moment, result)
            tell(moment, None)
            previous = moment

    def _arrive(self, previous: datetime | None, moment: datetime) -> None:
        """Load what the connected devices sent since the moment before, and the history of new ones."""
        sent = {}
        for series in self.series:
            if series.connected_at <= moment:
                is_new = previous is None or series.connected_at > previous
                sent[series.key] = series.readings.between(None if is_new else previous, moment)
        load_readings(self.platform, sent, now=moment)
        for series in self.series:
            fault = series.fault
            if fault is not None and fault.check == "artifact" and moment >= fault.since:
                self._damage_once(series.key)

    def _damage_once(self, key: SeriesKey) -> None:
        """Flip one byte of the active model's file, unless that was done in this demo before."""
        (record,) = self.platform.series.list_series(keys=[key])
        versions = self.platform.models.list_versions(series_ids=[record.series_id])
        active = next((version for version in versions if version.status is ModelStatus.ACTIVE), None)
        marker = self.platform.settings.home / "damaged"
        if not marker.exists() and active is not None and active.artifact_sha256 is not None:
            marker.write_text(active.artifact_sha256)
        if any(version.status is ModelStatus.QUARANTINED for version in versions) or not marker.exists():
            return
        self._damage(marker.read_text())

    def _damage(self, sha256: str) -> None:
        stored = next(item for item in self.platform.artifacts.list_artifacts() if item.sha256 == sha256)
        path = Path(stored.uri.removeprefix("file://"))
        # A demo that was killed here comes by again: a file that is damaged already is not flipped back.
        if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            flip_byte(path)

    def _work(self, moment: datetime) -> Iterator[TaskResult]:
        manifest = load_manifest()
        # Before the orchestrator came, models were only made.
        tasks = manifest.tasks if moment >= self.begin else (manifest.task("ml_discover"),)
        for spec in tasks:
            slot = self._find_slot(spec, moment)
            if slot is not None:
                yield run_task(self.platform, spec.task_id, now=moment, slot=slot)

    def _find_slot(self, spec: TaskSpec, moment: datetime) -> datetime | None:
        """What is due; and what a killed demo was at, since on this clock no wait for another attempt passes."""
        slot = latest_slot(spec.schedule, moment)
        run = self.platform.runs.find(spec.task_id, slot)
        if run is not None and run.outcome is Outcome.RUNNING and run.attempt <= spec.retries:
            return slot
        return find_due_slot(self.platform, spec, moment, jitter=False)


def flip_byte(path: Path) -> None:
    """Damage a file as a failing disk does: one byte in its middle changes, its size stays."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
