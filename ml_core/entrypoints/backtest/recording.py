"""What a backtest takes from the site: a sample of its series, their readings, and its calendar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ml_core.adapters.readings.recorded_telemetry import RecordedTelemetry
from ml_core.bootstrap import Platform
from ml_core.domain.scoring.quiet_time import QuietTime
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_sample import draw_series
from ml_core.errors import ConfigurationError
from ml_core.ports.telemetry import Window
from ml_core.services.named_series import choose_named

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which series are replayed: those named, all, or a sample."""

    named: Sequence[str]
    size: int | None
    """None: all of them."""
    seed: int


@dataclass(frozen=True, kw_only=True)
class Recording:
    """All that is known of the site."""

    telemetry: RecordedTelemetry
    quiet: Sequence[QuietTime]
    chosen: Sequence[SeriesKey]
    found: int
    """Series with readings in the time replayed, the chosen ones among them."""


def record_site(
    site: Platform,
    folder: Path,
    choice: Choice,
    *,
    begin: datetime,
    end: datetime,
    history: timedelta,
    progress: Progress,
) -> Recording:
    """Read the chosen series from `history` before the begin; ConfigurationError where none has readings."""
    extents = site.telemetry.list_extents(until=end)
    found = [extent.key for extent in extents if extent.newest_at > begin - history]
    chosen = _choose(site, found, choice)
    telemetry = RecordedTelemetry(folder, now=begin)
    size = site.settings.training.series_per_batch
    for start in range(0, len(chosen), size):
        progress("reading history", start, len(chosen))
        windows = [Window(key=key, after=begin - history, until=end) for key in chosen[start : start + size]]
        telemetry.record(site.telemetry.fetch(windows))
    progress("reading history", len(chosen), len(chosen))
    quiet = site.calendar.list_times(after=begin - history, until=end)
    return Recording(telemetry=telemetry, quiet=quiet, chosen=chosen, found=len(found))


def _choose(site: Platform, found: Sequence[SeriesKey], choice: Choice) -> list[SeriesKey]:
    if not found:
        raise ConfigurationError(
            f"telemetry.relation {site.settings.telemetry.relation!r} has no readings of that time: choose other "
            "--from and --to; `ml-health status --series` shows how far readings go"
        )
    if choice.named:
        return sorted({key for name in choice.named for key in _find_named(site, found, name)})
    return draw_series(found, size=len(found) if choice.size is None else choice.size, seed=choice.seed)


def _find_named(site: Platform, found: Sequence[SeriesKey], name: str) -> list[SeriesKey]:
    """The series of that name; where readings name none, the site's registry tells who is asked for by number."""
    named = [key for key in found if str(key) == name] or [
        record.key for record in choose_named(site.series.list_series(), name) if record.key in set(found)
    ]
    if not named:
        raise ConfigurationError(f"--series {name}: it has no readings of that time, choose other --from and --to")
    return named
