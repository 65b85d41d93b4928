"""Which series a run is about: the fleet, or the one that a person named."""

from __future__ import annotations

from ml_core.domain.series_record import SeriesRecord
from ml_core.errors import ConfigurationError
from ml_core.ports.series_registry import SeriesRegistry


def list_named(series: SeriesRegistry, only: str | None) -> list[SeriesRecord]:
    """Every series, or those named DEVICE:METRIC; ConfigurationError where no series has that name.

    The whole name is compared, since ids may hold colons and several tenants may use the same names.
    """
    records = series.list_series()
    if only is None:
        return records
    named = [record for record in records if str(record.key) == only]
    if not named:
        raise ConfigurationError(f"no series {only!r} is known; `ml-health status --series` lists them")
    return named
