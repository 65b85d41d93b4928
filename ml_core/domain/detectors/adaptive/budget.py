"""The false alarms that a sensor may make, in words, and the threshold that keeps to them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.scoring.episode import QUIET_READINGS
from ml_core.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS = {"hour": 3600.0, "day": 86_400.0, "week": 604_800.0, "month": 2_629_800.0, "year": 31_557_600.0}
_WORDS = re.compile(
    r"(?P<alarms>\d+(?:\.\d+)?) per (?:sensor-(?P<unit>hour|day|week|month|year)|(?P<readings>\d+) readings)"
)

DECADES = 2.61
"""Tenfold fewer false alarms a reading for each unit of mean evidence: 0.4 per 1,000 at a threshold of 1.3, the upper
90 % bound over the development series of docs/detection.md."""
LEAST_RATE, MOST_RATE = 1e-7, 5e-3
LOW_THRESHOLD, LOW_RATE = 1.0, 1.1e-3
"""Where the held-out scores of a series are counted: high enough to be alarms, low enough that there are some."""
PRIOR_ALARMS = 4.0
"""False alarms that the development series' common rate weighs against those that a series made itself."""
MIN_HELD_OUT = 1_000
"""Held-out readings below which a series' own count would be noise."""
MOST_LOWER, MOST_HIGHER = 0.15, 0.5


@dataclass(frozen=True, kw_only=True)
class FalseAlarmBudget:
    """So many false alarms per so many seconds or readings of one sensor."""

    alarms: float
    seconds: float | None = None
    readings: int | None = None

    @classmethod
    def parse(cls, words: object) -> FalseAlarmBudget:
        """Read "1 per sensor-week" or "1 per 2500 readings"; ConfigurationError says what may stand there."""
        match = _WORDS.fullmatch(words.strip()) if isinstance(words, str) else None
        if match is None or float(match["alarms"]) <= 0 or match["readings"] == "0":
            raise ConfigurationError(
                f"false_alarm_budget must be like '1 per sensor-week' (hour, day, week, month, year) or "
                f"'1 per 2500 readings', with numbers over 0; got {words!r}"
            )
        if match["readings"] is not None:
            return cls(alarms=float(match["alarms"]), readings=int(match["readings"]))
        return cls(alarms=float(match["alarms"]), seconds=SECONDS[match["unit"]])

    def rate(self, interval_s: float | None) -> float:
        """False alarms a reading of a series with that median interval, held between LEAST_RATE and MOST_RATE.

        A series of which no interval is known counts as one reading in ten minutes.
        """
        if self.readings is not None:
            wanted = self.alarms / self.readings
        else:
            wanted = self.alarms * (interval_s or 600.0) / (self.seconds or SECONDS["week"])
        return min(max(wanted, LEAST_RATE), MOST_RATE)


def threshold_for(rate: float) -> float:
    """The mean evidence above which false alarms begin at `rate` a reading."""
    return -math.log10(rate) / DECADES


def tail_probability(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of normal readings at which an alarm of at least that mean evidence begins; 1 at none."""
    probability: NDArray[np.float64] = 10.0 ** (-DECADES * scores)
    return probability


def own_correction(scores: NDArray[np.float64], onsets: NDArray[np.bool_]) -> float:
    """What a series' own held-out scores add to the threshold: nothing below MIN_HELD_OUT of them.

    Its alarms at LOW_THRESHOLD against those expected there, shrunk toward the common rate as a Gamma prior of
    weight PRIOR_ALARMS does.
    """
    if scores.size < MIN_HELD_OUT:
        return 0.0
    flagged = np.flatnonzero(onsets & (scores >= LOW_THRESHOLD))
    alarms = int(flagged.size > 0) + int((np.diff(flagged) > QUIET_READINGS).sum())
    ratio = (PRIOR_ALARMS + alarms) / (PRIOR_ALARMS + LOW_RATE * scores.size)
    return float(np.clip(math.log10(ratio) / DECADES, -MOST_LOWER, MOST_HIGHER))
