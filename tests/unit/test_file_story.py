"""A user's own file as the demo's series."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from ml_core.adapters.readings.reading_files import FileOptions
from ml_core.adapters.readings.reading_layout import LayoutOptions
from ml_core.adapters.readings.reading_times import TimeOptions
from ml_core.domain.series import to_datetime
from ml_core.entrypoints.demo.file_story import read_file_story
from ml_core.entrypoints.demo_command import demo_command
from ml_core.entrypoints.import_command import import_command

FILE_OPTIONS = {"--device", "--metric", "--tz", "--column", "--time-format", "--decimal"}


def test_demo_reads_whatever_an_import_reads(tmp_path: Path) -> None:
    """A file with names and times of its own is played as it would be imported."""
    file = tmp_path / "plant.csv"
    file.write_text("when;flow rate\n" + "\n".join(f"{day:02}.03.2025 06:00;{day},5" for day in range(1, 29)))
    described = FileOptions(
        layout=LayoutOptions(columns={"timestamp": "when"}),
        times=TimeOptions(zone=ZoneInfo("UTC"), form="%d.%m.%Y %H:%M"),
        decimal=",",
    )

    (series,) = read_file_story(file, described)

    assert series.key.device == "plant"
    assert (len(series.readings), series.readings.values[0]) == (28, 1.5)
    assert f"{to_datetime(series.readings.timestamps[0]):%d %B}" == "01 March"


def test_demo_takes_the_file_options_of_import() -> None:
    """What is learned for the one holds for the other."""
    for command in (demo_command, import_command):
        assert {name for option in command.params for name in option.opts} >= FILE_OPTIONS
