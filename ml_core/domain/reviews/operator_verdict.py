"""What people said of alarms and of quiet readings, as it is kept and as it is counted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class OperatorVerdict(StrEnum):
    """A person's answer: of an alarm confirmed or false alarm, of a quiet reading missed or normal."""

    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    MISSED = "missed"
    NORMAL = "normal"

    @property
    def words(self) -> str:
        """As people read and type it."""
        return self.value.replace("_", "-")


OF_ALARMS = (OperatorVerdict.CONFIRMED, OperatorVerdict.FALSE_ALARM)
"""What can be said of a flagged reading."""

OF_QUIET_READINGS = (OperatorVerdict.MISSED, OperatorVerdict.NORMAL)
"""What can be said of readings that were not flagged."""


@dataclass(frozen=True, kw_only=True)
class NewVerdict:
    """A verdict to be kept."""

    detection_id: UUID
    """The flagged reading, the audited hour, or a name made of the stretch of time."""
    detection_timestamp: datetime
    """When the reading was taken, or the hour or stretch began."""
    series_id: int
    verdict: OperatorVerdict
    given_by: str
    given_at: datetime
    note: str | None = None
    episode_id: int | None = None
    """Alarms of one episode count as one review."""
    window_until: datetime | None = None
    """End of an hour or stretch of time; None for a single reading."""


@dataclass(frozen=True, kw_only=True)
class VerdictCounts:
    """The latest verdicts, counted: readings of alarms, and hours that were drawn for the audit.

    What people reported of their own accord (a missed stretch) is no random sample and is not counted here.
    """

    confirmed: int = 0
    false_alarm: int = 0
    reviews: int = 0
    """Episodes (and alarms without one) that people looked at: alarms of one episode are no independent cases."""
    alarm_squares: int = 0
    """Sum over the reviews of their squared number of alarms, for the effective number of reviews."""
    missed: int = 0
    normal: int = 0
    audit_weight: float = 0.0
    """Unflagged readings that the audited hours stand for: each hour's readings over its probability to be drawn."""
    normal_weight: float = 0.0
    """Of those, what the hours called normal stand for."""
    audit_weight_squares: float = 0.0
    """Sum of the squared weights, for the effective number of audits."""

    @property
    def alarms(self) -> int:
        """Alarms that people looked at."""
        return self.confirmed + self.false_alarm

    @property
    def audited(self) -> int:
        """Audited hours that people looked at."""
        return self.missed + self.normal

    @property
    def total(self) -> int:
        """Everything that people looked at."""
        return self.reviews + self.audited

    @property
    def effective_reviews(self) -> float:
        """How many reviews of equally many alarms say as much (Kish 1965, Survey Sampling: weights' design effect)."""
        return self.alarms**2 / self.alarm_squares if self.alarm_squares > 0 else 0.0

    @property
    def effective_audits(self) -> float:
        """The same of audited hours, by their weights."""
        return self.audit_weight**2 / self.audit_weight_squares if self.audit_weight_squares > 0 else 0.0

    def __add__(self, other: VerdictCounts) -> VerdictCounts:
        return VerdictCounts(**{it.name: getattr(self, it.name) + getattr(other, it.name) for it in fields(self)})
