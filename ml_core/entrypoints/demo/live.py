"""Watches this very machine: processor, memory, disk and network through psutil, once a second."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ml_core.bootstrap import Platform
from ml_core.domain.series import Readings, SeriesKey, to_instant
from ml_core.domain.series_record import SeriesState
from ml_core.entrypoints.console import errors, output, stop_on_signal
from ml_core.entrypoints.demo.loading import load_readings
from ml_core.entrypoints.runner import run_task
from ml_core.errors import ConfigurationError

SAMPLES_A_BATCH = 5


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


def watch_live(platform: Platform, *, seconds: float | None, interval_s: float = 1.0) -> None:
    """Store, train and score this machine's series as they are measured, until stopped or so many seconds on."""
    device, ends_at = machine_name(), None if seconds is None else time.monotonic() + seconds
    needed = platform.settings.detector.min_readings
    errors.print(f"Watching this machine; the first models are made after {needed} readings. Ctrl-C ends it.")
    pending: list[Sample] = []
    with stop_on_signal() as should_stop:
        for sample in watch_machine(interval_s):
            pending.append(sample)
            if len(pending) >= SAMPLES_A_BATCH:
                _work(platform, device, pending)
                pending = []
            if should_stop() or (ends_at is not None and time.monotonic() >= ends_at):
                break
    _work(platform, device, pending)


def _work(platform: Platform, device: str, samples: list[Sample]) -> None:
    if not samples:
        return
    now = samples[-1].at
    stamps = np.array([to_instant(sample.at) for sample in samples])
    readings = {
        SeriesKey(device=device, metric=metric): Readings.clean(stamps, [sample.values[metric] for sample in samples])
        for metric in samples[0].values
    }
    load_readings(platform, readings, now=now)
    # Every batch is a slot of its own: a newcomer does not wait for the next full hour.
    for task in ("ml_discover", "ml_score"):
        result = run_task(platform, task, now=now, slot=now)
        if result.counts.get("anomalies"):
            _tell_anomalies(platform, samples[0].at, now)
    modelled = sum(record.state is SeriesState.MODELLED for record in platform.series.list_series())
    errors.print(f"{now:%H:%M:%S}Z  {len(samples)} samples, {modelled} of {len(readings)} series have a model")


def _tell_anomalies(platform: Platform, after: datetime, until: datetime) -> None:
    for record in platform.series.list_series():
        for anomaly in platform.history.list_anomalies(record.series_id, after=after, until=until):
            words = f"{anomaly.happened_at:%H:%M:%S}Z  {record.key.metric} was {anomaly.value:,.4g}"
            output.print(f"[red]anomaly[/red]  {words}", highlight=False)
