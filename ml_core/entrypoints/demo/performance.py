"""The whole demo: play the simulation with a progress bar, draw a picture, tell what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ml_core.adapters.readings.reading_files import FileOptions
from ml_core.bootstrap import Platform
from ml_core.domain.series import to_datetime, to_instant
from ml_core.domain.task import TaskResult
from ml_core.entrypoints.console import errors
from ml_core.entrypoints.demo.file_story import read_file_story
from ml_core.entrypoints.demo.operator import Operator
from ml_core.entrypoints.demo.picture import Band, draw_series
from ml_core.entrypoints.demo.simulation import Simulation
from ml_core.entrypoints.demo.story import DAYS, OLD_DAYS, DemoSeries, tell_story
from ml_core.entrypoints.demo.summary import Summary, summarise
from ml_core.ports.telemetry import Window


@dataclass(frozen=True, kw_only=True)
class Play:
    """What is played: the series, and from when until when the schedule runs."""

    series: Sequence[DemoSeries]
    begin: datetime
    end: datetime

    @classmethod
    def of_story(cls, end: datetime) -> Play:
        """The packaged story, ending at that moment."""
        return cls(series=tell_story(end), begin=end - timedelta(days=DAYS), end=end)

    @classmethod
    def of_file(cls, path: Path, options: FileOptions) -> Play:
        """A user's own readings: the last days of them, at most a third of their time, are played."""
        series = read_file_story(path, options)
        first = min(to_datetime(one.readings.timestamps[0]) for one in series)
        end = max(to_datetime(one.readings.timestamps[-1]) for one in series)
        begin = end - min(timedelta(days=DAYS), (end - first) / 3)
        connected = [DemoSeries(key=one.key, readings=one.readings, connected_at=begin) for one in series]
        return cls(series=connected, begin=begin, end=end)


def perform(platform: Platform, play: Play) -> Summary:
    """Play it to its end (again, where it was begun before) and tell what happened."""
    simulation = Simulation(platform=platform, series=play.series, begin=play.begin, end=play.end)
    moments = simulation.moments()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[doing]}"), TimeElapsedColumn())
    with Progress(*columns, console=errors) as bar:
        shown = bar.add_task("", total=len(moments), doing="the embedded database starts")

        def tell(moment: datetime, result: TaskResult | None) -> None:
            words = "" if result is None else f"{result.task} {result.outcome.value}"
            bar.update(shown, description=f"{moment:%a %d %b %H:%M}", doing=words, advance=1 if result is None else 0)

        simulation.run(tell)
    Operator(platform=platform, series=play.series).review(play.begin, play.end)
    after = play.begin - timedelta(days=OLD_DAYS + 1)
    picture = _draw(platform, play, after)
    return summarise(platform, play.series, after=after, until=play.end, picture=picture)


def _draw(platform: Platform, play: Play, after: datetime) -> Path | None:
    """The first series that was scored, over the time in which it was."""
    key = play.series[0].key
    found = platform.series.list_series(keys=[key])
    if not found:
        return None
    record = found[0]
    window = Window(key=key, after=play.begin - timedelta(days=3), until=play.end)
    readings = platform.telemetry.fetch([window])[key]
    anomalies = platform.history.list_anomalies(record.series_id, after=after, until=play.end)
    path = platform.settings.home / "picture.png"
    draw_series(
        path,
        title=f"{key.device} {key.metric}: readings, expected band, anomalies",
        unit=key.metric,
        readings=readings,
        bands=_bands(platform, record.series_id, play.end),
        anomalies=np.array([to_instant(anomaly.happened_at) for anomaly in anomalies], dtype="datetime64[us]"),
    )
    return path


def _bands(platform: Platform, series_id: int, end: datetime) -> list[Band]:
    served = [
        version
        for version in platform.models.list_versions(series_ids=[series_id])
        if version.promoted_at is not None and version.metadata.get("band_low") is not None
    ]
    return [
        Band(
            start=to_instant(version.promoted_at or end),
            end=to_instant(version.retired_at or end),
            low=float(version.metadata["band_low"]),
            high=float(version.metadata["band_high"]),
            version=version.version,
        )
        for version in served
    ]
