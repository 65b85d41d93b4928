"""One of a kind at a time: a lock in a file that ends with its holder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_core.errors import ConflictError


@contextmanager
def hold_alone(lock: Path, *, otherwise: str) -> Iterator[None]:
    """Hold the lock while the block runs, however that ends; ConflictError with these words where another does."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise ConflictError(otherwise) from exc
        yield
