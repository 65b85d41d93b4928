"""How many alarms a model gives on some readings, and how many of them chance explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.figures import counted
from ml_core.domain.gate.contender import Contender
from ml_core.domain.scoring.episode import QUIET_READINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.series import Readings


@dataclass(frozen=True, kw_only=True)
class AlarmCount:
    """Alarms on some readings; alarms that belong together are one episode."""

    readings: int
    alarms: int
    episodes: int

    @property
    def words(self) -> str:
        """The counts for people."""
        return f"{counted(self.alarms, 'alarm', 'alarms')} in {counted(self.episodes, 'episode', 'episodes')}"

    def most_by_chance(self, target_alarm_rate: float, max_chance: float) -> int:
        """The number of episodes that is exceeded with probability `max_chance` at most, at the target rate.

        Each alarm as an episode of its own gives the most episodes that the target rate allows.
        """
        return most_by_chance(self.readings * target_alarm_rate, max_chance)


def most_by_chance(expected: float, max_chance: float) -> int:
    """The count that is exceeded with probability `max_chance` at most, where so many are expected."""
    from scipy.stats import poisson

    return int(poisson.isf(max_chance, expected))


def count_alarms(contender: Contender, readings: Readings) -> AlarmCount:
    """What a model says to some readings."""
    alarms = contender.alarms(readings)
    return AlarmCount(readings=len(readings), alarms=int(alarms.sum()), episodes=count_episodes(alarms))


def count_episodes(alarms: NDArray[np.bool_]) -> int:
    """How many episodes the alarms make: one closes after QUIET_READINGS readings without an alarm."""
    positions = np.flatnonzero(alarms)
    return int(positions.size and 1 + (np.diff(positions) > QUIET_READINGS).sum())
