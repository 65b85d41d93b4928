"""What people said of alarms and of quiet readings, and the two rates that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class OperatorVerdict(StrEnum):
    """A person's answer: of an alarm confirmed or false alarm, of a quiet reading missed or normal."""

    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    MISSED = "missed"
    NORMAL = "normal"


@dataclass(frozen=True, kw_only=True)
class NewVerdict:
    """A verdict to be kept."""

    detection_id: UUID
    detection_timestamp: datetime
    series_id: int
    verdict: OperatorVerdict
    given_by: str
    given_at: datetime
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class VerdictCounts:
    """The latest verdict on each reading, counted."""

    confirmed: int = 0
    false_alarm: int = 0
    missed: int = 0
    normal: int = 0

    @property
    def alarms(self) -> int:
        """Alarms that people looked at."""
        return self.confirmed + self.false_alarm

    @property
    def audited(self) -> int:
        """Quiet readings that people looked at."""
        return self.missed + self.normal

    @property
    def total(self) -> int:
        """Everything that people looked at."""
        return self.alarms + self.audited

    def accuracy(self, *, scored: int, flagged: int) -> float | None:
        """Share of readings told rightly, in [0, 1]; None where one of the two kinds was never looked at.

        Alarms are reviewed far more often than quiet readings, so both are weighted by their real shares.
        """
        if self.alarms == 0 or self.audited == 0 or scored <= 0:
            return None
        right_alarms = self.confirmed / self.alarms * flagged
        right_quiet = self.normal / self.audited * (scored - flagged)
        return (right_alarms + right_quiet) / scored

    def false_positive_rate(self, *, scored: int, flagged: int) -> float | None:
        """False alarms over all normal readings, estimated; None where no alarm was looked at.

        With P readings scored, F flagged and shares f false and p confirmed among the reviewed alarms it is
        F f / (P - F p): what is not a confirmed anomaly is taken for normal.
        """
        if self.alarms == 0 or scored <= 0:
            return None
        normal = scored - flagged * self.confirmed / self.alarms
        return None if normal <= 0 else flagged * self.false_alarm / self.alarms / normal
