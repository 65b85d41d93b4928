"""Series that are still collecting readings: whether there are enough to learn from, and when there will be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.series import Readings, to_datetime
from ml_core.domain.series_record import SeriesExtent, SeriesRecord, SeriesState
from ml_core.domain.training.collecting import Readiness, estimate_readiness
from ml_core.ports.series_registry import SeriesRegistry

ETA_SLACK = timedelta(hours=1)
"""A promise that moves by less is not written again."""


@dataclass(frozen=True, kw_only=True)
class WaitingSeries:
    """Estimates when a series can be trained, and promises it."""

    series: SeriesRegistry
    min_readings: int
    window: timedelta
    now: datetime
    dry_run: bool = False

    def estimate(self, extent: SeriesExtent) -> Readiness:
        """Whether all of its history is enough."""
        return self._estimate(extent.readings, extent.first_at, extent.newest_at)

    def estimate_window(self, window: Readings) -> Readiness:
        """Whether the training window is enough, which holds less than the whole history."""
        if len(window) == 0:
            return self._estimate(0, None, None)
        return self._estimate(len(window), to_datetime(window.timestamps[0]), to_datetime(window.timestamps[-1]))

    def promise(self, record: SeriesRecord, readiness: Readiness) -> None:
        """Write down when the series can be trained and why not before, unless that is known."""
        before, after = record.trainable_at, readiness.trainable_at
        unchanged = before == after if before is None or after is None else abs(after - before) < ETA_SLACK
        if self.dry_run or (unchanged and record.state_reason is not None):
            return
        self.series.save_state(
            record.series_id,
            SeriesState.COLLECTING,
            reason=readiness.reason,
            trainable_at=after,
            training_failures=record.training_failures,
        )

    def _estimate(self, readings: int, first_at: datetime | None, newest_at: datetime | None) -> Readiness:
        return estimate_readiness(
            readings=readings,
            first_at=first_at,
            newest_at=newest_at,
            min_readings=self.min_readings,
            window=self.window,
            now=self.now,
        )
