"""Labels of a file: spans or moments, of one series or all, and every fault named."""

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ml_core.adapters.readings.label_files import read_labels
from ml_core.adapters.readings.reading_times import TimeOptions
from ml_core.domain.evaluation.labelled_span import LabelledSpan
from ml_core.domain.series import Readings, SeriesKey
from ml_core.errors import ConfigurationError, InvalidReadingsError

UTC = TimeOptions(zone=ZoneInfo("UTC"))


def write(folder: Path, text: str) -> Path:
    """A label file."""
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_spans_of_named_series_and_of_all(tmp_path: Path) -> None:
    """An empty name is every series; other columns do not matter."""
    spans = read_labels(
        write(
            tmp_path,
            "series,start,end,note\nP1:flow,2026-01-01T00:00Z,2026-01-01T01:00Z,leak\n,1767225600,1767225660,\n",
        ),
        TimeOptions(),
    )

    assert [span.series for span in spans] == ["P1:flow", None]
    assert [span.end - span.start for span in spans] == [np.timedelta64(3600, "s"), np.timedelta64(60, "s")]


def test_a_moment_is_a_span_of_its_own(tmp_path: Path) -> None:
    """Without start and end, a timestamp is both."""
    (span,) = read_labels(write(tmp_path, "timestamp\n2026-01-01 00:00\n"), UTC)

    assert span.start == span.end == np.datetime64("2026-01-01T00:00:00")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("start,end\n2026-01-02,2026-01-01\n", "row 2: the end .* lies before the start"),
        ("start,end\n2026-01-02,soon\n", "row 2, column 'end': the time cannot be read"),
        ("begin,what\n2026-01-02,leak\n", "no column end or timestamp among 'begin', 'what'"),
        ("start,end\n", "holds no label"),
        ("start,end\n2026-01-02\n", "row 2: more or fewer columns"),
    ],
)
def test_a_fault_names_its_row_and_column(tmp_path: Path, text: str, complaint: str) -> None:
    """A person finds and mends it."""
    with pytest.raises(InvalidReadingsError, match=complaint):
        read_labels(write(tmp_path, text), UTC)


def test_times_without_a_zone_are_not_guessed(tmp_path: Path) -> None:
    """As in an import."""
    with pytest.raises(ConfigurationError, match="--tz"):
        read_labels(write(tmp_path, "start,end\n2026-01-01 00:00,2026-01-01 01:00\n"), TimeOptions())


def test_a_label_concerns_its_series_or_its_device() -> None:
    """Both names of a series are understood."""
    start = np.datetime64("2026-01-01", "us")
    key = SeriesKey(device="P1", metric="flow")
    names = ["P1:flow", "P1", None, "P1:heat", "P2"]

    concerned = [LabelledSpan(start=start, end=start, series=name).concerns(key) for name in names]
    assert concerned == [True, True, True, False, False]


def test_a_moment_between_two_readings_is_the_next_one() -> None:
    """People write down when they saw it, not when the sensor spoke."""
    stamps = np.datetime64("2026-01-01", "us") + np.arange(10) * np.timedelta64(600, "s")
    readings = Readings(timestamps=stamps, values=np.zeros(10))
    between = LabelledSpan(start=stamps[3] + 1, end=stamps[3] + 1)
    behind = LabelledSpan(start=stamps[9] + 1, end=stamps[9] + 5)

    assert between.positions(readings) == (4, 4)
    assert LabelledSpan(start=stamps[3], end=stamps[5] + 7).positions(readings) == (3, 5)
    assert behind.positions(readings) == (10, 10)
