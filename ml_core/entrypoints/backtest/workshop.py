"""The folder in which a backtest works: swept before and after, so that one that was killed leaves nothing running."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.entrypoints.exclusive import hold_alone


@contextmanager
def open_workshop(home: Path) -> Iterator[Path]:
    """A fresh folder of this site's backtests, gone at the end; ConflictError where another one works in it."""
    home.mkdir(parents=True, exist_ok=True)
    folder = home / "backtest"
    told = f"another backtest runs in {folder}: wait for it, or set ML_HEALTH_HOME to another folder"
    with hold_alone(folder.with_suffix(".lock"), otherwise=told):
        _sweep(folder)
        folder.mkdir()
        try:
            yield folder
        finally:
            _sweep(folder)


def _sweep(folder: Path) -> None:
    for postgres in folder.glob("*/postgres"):
        EmbeddedPostgres(postgres.parent).stop()
    if folder.exists():
        shutil.rmtree(folder)
