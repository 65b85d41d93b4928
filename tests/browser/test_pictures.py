"""The dashboards, drawn in a real Chromium with Grafana's own components from a fleet's real rows."""

import os
import struct
from datetime import timedelta
from pathlib import Path

import pytest

from ml_core.adapters.postgres.database import Database
from tests.grafana.fleet_rows import NOW, add_activity, add_fleet, add_history

IN_CI = os.environ.get("CI") == "true"
pictures = pytest.importorskip("tests.browser.pictures", reason="the package playwright is not installed")
MISSING = [
    words
    for words, is_there in (
        ("Chromium is not installed: apt-get install chromium", pictures.find_chromium() is not None),
        ("Grafana's packages are not installed: make browser-packages", pictures.packages_are_installed()),
    )
    if not is_there
]
LEAST_BYTES = 40_000
"""A page without drawings is smaller."""


@pytest.mark.skipif(bool(MISSING) and not IN_CI, reason="; ".join(MISSING))
def test_every_panel_is_drawn_or_says_why_it_is_empty(database: Database, tmp_path: Path) -> None:
    """All dashboards, full and empty: no panel breaks, none is blank without a reason, and each has its picture."""
    assert MISSING == []
    choice = pictures.Choice(device="PUMP-1", metric="temperature")
    boards = dict(pictures.read_boards())
    before = NOW - timedelta(days=300)
    empty = {
        f"empty-{name}": pictures.fill_board(database, board, end=before, choice=choice)
        for name, board in boards.items()
    }
    ids = add_fleet(database)
    add_activity(database, ids)
    add_history(database, ids)
    full = {name: pictures.fill_board(database, board, end=NOW, choice=choice) for name, board in boards.items()}

    faults = pictures.draw({**empty, **full}, tmp_path)

    assert {name: told for name, told in faults.items() if told} == {}
    for name in full:
        content = (tmp_path / f"{name}.png").read_bytes()
        width, height = struct.unpack(">II", content[16:24])
        assert (width, height > 800) == (1600, True)
        assert len(content) > LEAST_BYTES
