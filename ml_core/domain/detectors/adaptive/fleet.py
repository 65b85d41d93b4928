"""Many series through the adaptive detector in one call, without a Python step a series."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from ml_core.domain.detectors.adaptive.traces import Traces
from ml_core.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

UTC_NAME = "UTC"


def advance_fleet(
    states: NDArray[Any],
    counts: Sequence[int] | NDArray[np.int64],
    timestamps: NDArray[np.datetime64],
    values: NDArray[np.float64],
    *,
    timezone: str = UTC_NAME,
    workers: int = 1,
) -> Traces:
    """Take each series through its readings; the answer is the same as one by one, bit for bit.

    states: shape (series,), of layout.STATE, changed in place. counts: readings of each series, in the order of
    `states`. timestamps, values: all readings, series after series, shape (sum(counts),). workers: threads that share
    the series; the compiled code holds no lock of the interpreter.
    """
    at_us = timestamps.astype("datetime64[us]").astype(np.int64)
    ends = np.cumsum(np.asarray(counts, dtype=np.int64))
    local_us = local_time_us(at_us, timezone)
    values = np.ascontiguousarray(values, dtype=np.float64)
    traces = Traces.of_length(values.size)
    shares = [share for share in np.array_split(np.arange(len(states)), workers) if share.size]

    def take(share: NDArray[np.int64]) -> None:
        first, last = int(share[0]), int(share[-1])
        begin = int(ends[first - 1]) if first else 0
        part = slice(begin, int(ends[last]))
        _advance(
            states[first : last + 1],
            ends[first : last + 1] - begin,
            at_us[part],
            local_us[part],
            values[part],
            traces.part(part),
        )

    if len(shares) < 2:
        for share in shares:
            take(share)
    else:
        with ThreadPoolExecutor(max_workers=len(shares)) as pool:
            list(pool.map(take, shares))
    return traces


def _advance(
    states: NDArray[Any],
    ends: NDArray[np.int64],
    at_us: NDArray[np.int64],
    local_us: NDArray[np.int64],
    values: NDArray[np.float64],
    traces: Traces,
) -> None:
    from ml_core.domain.detectors.adaptive import kernel

    kernel.advance_all(
        states,
        ends,
        at_us,
        local_us,
        values,
        traces.scores,
        traces.onsets,
        traces.held,
        traces.bands,
        traces.signed,
        traces.expected,
        traces.spreads,
        traces.evidence,
    )


def local_time_us(at_us: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """Wall time of those instants in microseconds, so that a shift that begins at six does so all year round."""
    if timezone == UTC_NAME:
        return at_us
    import pandas as pd

    utc = pd.DatetimeIndex(at_us.astype("datetime64[us]"), tz="UTC")
    local: NDArray[np.int64] = (
        utc.tz_convert(timezone).tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    )
    return local


def check_timezone(name: object) -> str:
    """The name if the machine knows that time zone, else ConfigurationError."""
    try:
        ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ConfigurationError(
            f"timezone must be a name such as 'UTC' or 'Europe/Berlin' that this machine knows, got {name!r}"
        ) from exc
    return str(name)
