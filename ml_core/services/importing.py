"""Importing readings: store each batch, keep aside what is wrong with its reason, and tell both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from ml_core.domain.series import SeriesKey
from ml_core.ports.reading_store import ReadingBatch, ReadingStore, RejectedReading, RejectReason
from ml_core.services.runs import Progress


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What became of every row of a source."""

    accepted: int
    """Rows stored now."""
    duplicates: int
    """Rows that were stored before, with the same value."""
    late: int
    """Of the accepted rows, those that come too late to be scored."""
    left_empty: int
    """Empty cells of a table with one column a metric."""
    rejected_by_reason: Mapping[RejectReason, int]
    """Rows kept aside."""
    series: int
    """Different series with a usable row."""

    @property
    def rejected(self) -> int:
        """Rows kept aside, for whatever reason."""
        return sum(self.rejected_by_reason.values())


def import_readings(
    batches: Iterable[ReadingBatch],
    *,
    store: ReadingStore,
    source: str,
    now: datetime,
    lateness: timedelta,
    progress: Progress = lambda what, done, total: None,
) -> ImportReport:
    """Store batch after batch, each in its own transaction.

    An import that was cut off is done again from its beginning: what is stored counts as duplicate then.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[RejectReason] = Counter()
    keys: set[SeriesKey] = set()
    for came in batches:
        batch = set_repeats_aside(came)
        stored = store.add(batch, source=source, at=now, lateness=lateness)
        counts.update(
            accepted=stored.accepted,
            duplicates=stored.duplicates,
            late=stored.late,
            left_empty=batch.left_empty,
        )
        reasons.update(rejected.reason for rejected in batch.rejected)
        reasons[RejectReason.CONFLICT] += stored.conflicts
        keys.update(batch.keys)
        progress("importing", batch.done, batch.total)
    return ImportReport(
        accepted=counts["accepted"],
        duplicates=counts["duplicates"],
        late=counts["late"],
        left_empty=counts["left_empty"],
        rejected_by_reason={reason: number for reason, number in reasons.most_common() if number},
        series=len(keys),
    )


def set_repeats_aside(batch: ReadingBatch) -> ReadingBatch:
    """Keep the first of rows that are equal in series, instant and value, and reject the others.

    A repeat in a later batch finds its first already stored, and is counted as a duplicate there.
    """
    order = np.lexsort((batch.lines, batch.values, batch.timestamps, batch.series))
    repeats = np.zeros(len(batch), dtype=bool)
    columns = (batch.series, batch.timestamps, batch.values)
    repeats[order[1:]] = np.logical_and.reduce([column[order[1:]] == column[order[:-1]] for column in columns])
    if not repeats.any():
        return batch
    rejected = [
        RejectedReading(line=int(batch.lines[place]), raw=batch.describe(place), reason=RejectReason.REPEATED)
        for place in np.flatnonzero(repeats).tolist()
    ]
    return replace(
        batch,
        series=batch.series[~repeats],
        timestamps=batch.timestamps[~repeats],
        values=batch.values[~repeats],
        lines=batch.lines[~repeats],
        rejected=[*batch.rejected, *rejected],
    )
