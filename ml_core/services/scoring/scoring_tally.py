"""What a scoring run came to, in figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ml_core.domain.scoring.series_scoring import SeriesScoring


@dataclass(kw_only=True)
class ScoringTally:
    """Sums over a run's committed shards; `series` are those that had something new."""

    series: int = 0
    readings_scored: int = 0
    anomalies: int = 0
    episodes_opened: int = 0
    late: int = 0
    dropped: int = 0
    failed: int = 0
    skipped: int = 0
    """Series left to the next run because somebody else changed their shard."""

    def add(self, scorings: Iterable[SeriesScoring]) -> None:
        """Count what was committed."""
        for scoring in scorings:
            self.series += 1
            self.readings_scored += len(scoring.scored)
            self.anomalies += int(scoring.scored.is_anomaly.sum())
            self.episodes_opened += scoring.episodes_opened
            self.late += scoring.late
            self.dropped += scoring.dropped
