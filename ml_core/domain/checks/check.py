"""The answer of one check of one series: value, threshold, verdict, reason, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Verdict(StrEnum):
    """What a check says; unknown is a verdict and never counts as ok."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One check of one series at one moment."""

    check: str
    verdict: Verdict
    reason: str
    value: float | None = None
    threshold: float | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SeriesCheck:
    """A check result with the series and model it is about."""

    series_id: int
    model_id: UUID | None
    result: CheckResult
