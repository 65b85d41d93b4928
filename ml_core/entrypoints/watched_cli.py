"""The command line in a child of the scheduler's: it does not outlive whoever started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from ml_core.entrypoints import cli
from ml_core.entrypoints.child import GRACE_S


def main() -> None:
    """Run a command line; its input is a pipe that nobody writes to and whose end is the starter's end."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    cli.main()


def _end_with_starter() -> None:
    os.read(sys.stdin.fileno(), 1)
    # As the starter would have asked: the work stops at its next batch.
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
