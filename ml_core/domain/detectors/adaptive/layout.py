"""What has been seen of a series, as one record of fixed size: nothing in it is code, and bytes are its only form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ml_core.errors import DetectorStateError

if TYPE_CHECKING:
    from numpy.typing import NDArray

STATE_VERSION = 1

SPANS = ((6, 100), (48, 400), (150, 1000))
"""Readings compared: the last k against the K before them, three time scales of change."""
RING = 1152
"""Readings remembered one by one; more than the longest span and the one that leaves it."""
FEATURES = (
    "level",
    "innovation",
    *(f"{name}_{k}" for k, _ in SPANS for name in ("shift", "spread")),
    "season",
    "season_12",
)
"""The witnesses, in the order of every array that has one figure a feature."""
N_FEATURES = len(FEATURES)
SEASON_MEAN = 12
"""Readings over which the residual of the daily or weekly profile is averaged."""
ONSET = 100
"""Readings among which a score must be the highest to be an onset."""
DAY_SLOTS = 96
WEEK_SLOTS = 168
BINS = 160
"""Bins of a feature's histogram, eight an octave: from 1/1024 to 1024 times the series' own scale."""

STATE = np.dtype(
    [
        ("version", "i4"),
        ("band_age", "i4"),
        ("bucket_us", "i8"),
        ("gap_us", "i8"),
        ("center", "f8"),
        ("scale", "f8"),
        ("count", "i8"),
        ("first_us", "i8"),
        ("last_us", "i8"),
        ("slow_mean", "f8"),
        ("slow_spread", "f8"),
        ("fast_mean", "f8"),
        ("sums", "f8", (len(SPANS), 2, 2)),
        ("day_error", "f8"),
        ("week_error", "f8"),
        ("level_error", "f8"),
        ("n_residuals", "i8"),
        ("level_reach", "f8"),
        ("season_reach", "f8"),
        ("held", "f8"),
        ("score", "f8"),
        ("open_bucket", "i8"),
        ("bucket_sum", "f8"),
        ("bucket_count", "i8"),
        ("total", "f8", (N_FEATURES,)),
        ("seen", "i8", (N_FEATURES,)),
        ("tail_start", "i4", (N_FEATURES,)),
        ("tail_weight", "f8", (N_FEATURES,)),
        ("tail_scale", "f8", (N_FEATURES,)),
        ("tail_shape", "f8", (N_FEATURES,)),
        ("histogram", "f4", (N_FEATURES, BINS)),
        ("ring", "f4", (RING,)),
        ("residuals", "f4", (SEASON_MEAN,)),
        ("recent_scores", "f4", (ONSET,)),
        ("day_mean", "f4", (DAY_SLOTS,)),
        ("day_count", "f4", (DAY_SLOTS,)),
        ("week_mean", "f4", (WEEK_SLOTS,)),
        ("week_count", "f4", (WEEK_SLOTS,)),
    ],
    align=True,
)
"""Times in microseconds since 1970, values in units of `scale` around `center`."""


def new_state(*, center: float, scale: float, gap_us: int, bucket_us: int) -> NDArray[Any]:
    """A state that has seen nothing, shape (1,)."""
    state = np.zeros(1, dtype=STATE)
    state["version"] = STATE_VERSION
    state["center"], state["scale"] = center, scale
    state["gap_us"], state["bucket_us"] = gap_us, bucket_us
    return state


def encode_states(states: NDArray[Any]) -> bytes:
    """The bytes of these states, one after the other."""
    return states.tobytes()


def decode_state(content: bytes) -> NDArray[Any]:
    """The state of these bytes, shape (1,), writable; DetectorStateError where they are none of this version."""
    if len(content) != STATE.itemsize:
        raise DetectorStateError(
            f"a detector state of {len(content)} bytes is none: version {STATE_VERSION} has {STATE.itemsize}"
        )
    state = np.frombuffer(content, dtype=STATE).copy()
    version = int(state["version"][0])
    if version != STATE_VERSION:
        raise DetectorStateError(
            f"a detector state of version {version} cannot be read; this code reads {STATE_VERSION}"
        )
    return state
