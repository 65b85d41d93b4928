"""Workers of a pool end with the process that made them: one that is killed cannot tell them so."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

LOOK_EVERY_S = 1.0


def watched_by(maker: int) -> dict[str, Any]:
    """What joblib's loky backend is told, so that each worker watches its maker from its first moment on."""
    return {"initializer": end_with, "initargs": (maker,)}


def end_with(parent: int) -> None:
    """Watch, from a thread of this process, whether its parent is still there."""
    threading.Thread(target=_watch, args=(parent,), name=_watch.__name__, daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    # Whatever it is doing is for nobody: a worker may hang on a pipe that nobody reads, so nothing is tidied up.
    os._exit(1)
