"""Which series a run is about: the fleet, or the one that a person named."""

from __future__ import annotations

from collections.abc import Sequence

from ml_core.domain.series import FIXED_TENANT
from ml_core.domain.series_record import SeriesRecord
from ml_core.errors import ConfigurationError
from ml_core.ports.series_registry import SeriesRegistry


def list_named(series: SeriesRegistry, only: str | None) -> list[SeriesRecord]:
    """Every series, or the one of that name."""
    return choose_named(series.list_series(), only)


def choose_named(records: Sequence[SeriesRecord], only: str | None) -> list[SeriesRecord]:
    """All of them, or the one that is named as SeriesKey says.

    Raises ConfigurationError where none has that name, or where several do: it lists them.
    """
    if only is None:
        return list(records)
    named = [record for record in records if only in (str(record.key), record.short_name)]
    if not named:
        raise ConfigurationError(f"no series {only!r} is known; `ml-health status --series` lists them")
    if len(named) > 1:
        told = "; ".join(map(_describe, named))
        raise ConfigurationError(f"{len(named)} series are called {only!r}, name one by its number: {told}")
    return named


def _describe(record: SeriesRecord) -> str:
    key = record.key
    tenant = "" if key.tenant == FIXED_TENANT else f" of tenant {key.tenant}"
    return f"{record.short_name} is metric {key.metric!r} of device {key.device!r}{tenant}"
