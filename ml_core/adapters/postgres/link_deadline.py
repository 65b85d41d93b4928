"""A client-side deadline for answers of a server: a black-holed link is cut instead of waited for.

Why not psycopg2's wait callback: it is one for the whole process, so it would change the connections
of the host we are loaded into, and COPY is refused while one is set. Server-side timeouts and
keepalives do not help where something on the way still acknowledges packets but passes none on.
Shutting the socket down wakes the driver wherever it waits, COPY included.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class LinkDeadline:
    """Watches one connection's socket; `limit()` bounds the wait for an answer."""

    def __init__(self, fileno: int) -> None:
        # Our own descriptor: the driver's number may belong to another file once it has closed.
        self._descriptor = os.dup(fileno)
        self._changed = threading.Condition()
        self._due = math.inf
        self._wakes_at = math.inf
        self._closed = False
        self._process = os.getpid()
        threading.Thread(target=self._watch, name="link-deadline", daemon=True).start()

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Cut the link when the body takes more than this many seconds; a stricter limit around it holds."""
        outer = self._due
        self._arm(min(outer, time.monotonic() + seconds))
        try:
            yield
        finally:
            self._arm(outer)

    def close(self) -> None:
        """End the watch. In a forked child nothing is touched: lock and link are the parent's."""
        if os.getpid() != self._process:
            return
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _arm(self, due: float) -> None:
        with self._changed:
            self._due = due
            # Deadlines mostly move later, so the watcher is woken seldom and a statement costs a lock.
            if due < self._wakes_at:
                self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                if self._due <= time.monotonic():
                    self._cut()
                self._wakes_at = self._due
                wait_s = self._due - time.monotonic()
                self._changed.wait(None if math.isinf(wait_s) else max(wait_s, 0.0))
            os.close(self._descriptor)

    def _cut(self) -> None:
        self._due = math.inf
        link = socket.socket(fileno=self._descriptor)
        # Where the other side was quicker, the link is down already.
        with suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
        link.detach()
