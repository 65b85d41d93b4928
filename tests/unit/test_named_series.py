"""Which series a person means."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from ml_core.domain.series import FIXED_TENANT, SeriesKey
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.errors import ConfigurationError
from ml_core.services.named_series import choose_named

OTHER = UUID(int=7)


def record(number: int, device: str, metric: str, tenant: UUID = FIXED_TENANT) -> SeriesRecord:
    """A series."""
    return SeriesRecord(
        series_id=number,
        key=SeriesKey(device=device, metric=metric, tenant=tenant),
        state=SeriesState.MODELLED,
        discovered_at=datetime(2025, 1, 1, tzinfo=UTC),
    )


RECORDS = [record(1, "A", "flow"), record(2, "A", "flow", OTHER), record(3, "B:C", "d"), record(4, "B", "C:d")]
RECORDS.append(record(5, "PUMP", "flow"))


@pytest.mark.parametrize(("only", "numbers"), [(None, [1, 2, 3, 4, 5]), ("PUMP:flow", [5]), ("@2", [2]), ("@4", [4])])
def test_a_name_or_a_number_means_one_series(only: str | None, numbers: list[int]) -> None:
    """DEVICE:METRIC where that is one series, else its number."""
    assert [found.series_id for found in choose_named(RECORDS, only)] == numbers


@pytest.mark.parametrize(
    ("only", "told"),
    [
        ("A:flow", ["@1 is metric 'flow' of device 'A'", f"@2 is metric 'flow' of device 'A' of tenant {OTHER}"]),
        ("B:C:d", ["@3 is metric 'd' of device 'B:C'", "@4 is metric 'C:d' of device 'B'"]),
        ("@9", ["no series '@9' is known"]),
    ],
)
def test_what_is_not_one_series_is_refused(only: str, told: list[str]) -> None:
    """Two series of one name are never both muted or retrained by mistake: the message lists them."""
    with pytest.raises(ConfigurationError) as caught:
        choose_named(RECORDS, only)

    assert all(words in str(caught.value) for words in told)
