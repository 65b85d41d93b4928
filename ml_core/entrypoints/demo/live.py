"""Watches this very machine: processor, memory, disk and network through psutil, once a second."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml_core.bootstrap import Platform
from ml_core.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look at the machine; rates are per second since the look before."""

    at: datetime
    values: dict[str, float]


def watch_machine(interval_s: float = 1.0) -> Iterator[Sample]:
    """Samples of this machine for ever, one an interval."""
    psutil = _require_psutil()
    before, then = _counters(psutil), time.monotonic()
    psutil.cpu_percent()  # the first answer has nothing to compare with
    while True:
        time.sleep(interval_s)
        now = _counters(psutil)
        elapsed = time.monotonic() - then
        rates = {name: (now[name] - before[name]) / elapsed for name in now}
        before, then = now, time.monotonic()
        yield Sample(
            at=datetime.now(UTC),
            values={
                "cpu_percent": psutil.cpu_percent(),
                "memory_percent": psutil.virtual_memory().percent,
                **rates,
            },
        )


def machine_name() -> str:
    """The device under which this machine's series are known."""
    return socket.gethostname() or "this-machine"


def _require_psutil() -> Any:
    try:
        import psutil
    except ImportError as exc:
        raise ConfigurationError("--live needs the package psutil: pip install 'iiot-ml-health[demo]'") from exc
    return psutil


def _counters(psutil: Any) -> dict[str, float]:
    disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
    return {
        "disk_read_bytes_s": float(disk.read_bytes) if disk else 0.0,
        "disk_written_bytes_s": float(disk.write_bytes) if disk else 0.0,
        "network_sent_bytes_s": float(network.bytes_sent),
        "network_received_bytes_s": float(network.bytes_recv),
    }


def watch_live(platform: Platform, *, seconds: int | None) -> None:
    pass
