"""What the other metrics of a device say of an alarm: the form of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Judgement(StrEnum):
    """What the metrics of a device say of an alarm."""

    MACHINE = "machine"
    SENSOR = "sensor"
    UNKNOWN = "unknown"


class Direction(StrEnum):
    """How a metric moved."""

    UP = "up"
    DOWN = "down"
    RESTLESS = "restless"
    STILL = "still"


@dataclass(frozen=True, kw_only=True)
class Movement:
    """A metric that moved around the onset."""

    metric: str
    direction: Direction
    sd: float
    """How far, in robust standard deviations of its readings before (of restlessness: of its usual changes)."""
    rarity: float
    """Share of equally long stretches before in which it moved as much, the present one counted in."""
    r: float | None = None
    """Rank correlation with the metric that alarmed first, where it usually agrees with that."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A metric that usually agrees with the one that alarmed first, and whether it moved with it now."""

    metric: str
    r: float
    n_effective: float
    """Independent pairs of changes that r is told from."""
    moved: bool


class Reason(StrEnum):
    """What a judgement rests on."""

    AS_USUAL = "as usual"
    NOT_AS_USUAL = "not as usual"
    BY_THEMSELVES = "by themselves"
    LEFT_RELATION = "left the relation"
    SPLIT = "split"
    CONTRADICTED = "contradicted"
    ONE_WITNESS = "one witness"
    NO_PARTNER = "no partner"
    TOO_SMALL = "too small"
    TOO_LITTLE = "too little data"


@dataclass(frozen=True, kw_only=True)
class DeviceEvidence:
    """The answer; `lead` is the metric that alarmed first, `moved` begins with the strongest."""

    judgement: Judgement
    reason: Reason
    lead: str
    moved: tuple[Movement, ...] = ()
    agreeing: tuple[Agreement, ...] = ()
    is_settled: bool = False
    """Whether all of what came with the onset is known; else it is worth another look."""

    @property
    def suspect(self) -> str | None:
        """The metric whose sensor is suspected."""
        return self.lead if self.judgement is Judgement.SENSOR else None
