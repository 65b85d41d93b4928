"""Windows of live readings for the tests of checks."""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ml_core.domain.checks.data_checks import LiveWindow
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series import Readings, to_instant

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)
POLICY = HealthPolicy()


def window_of(values: NDArray[np.float64], interval_s: int = 600) -> LiveWindow:
    """These values, the last of them now."""
    stamps = to_instant(NOW) - (np.arange(values.size)[::-1] * interval_s).astype("timedelta64[s]")
    length = max(timedelta(days=1), timedelta(seconds=values.size * interval_s))
    return LiveWindow(start=NOW - length, end=NOW, readings=Readings.clean(stamps, values))
