"""Which column of a table is what: found by the names in use, or told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ml_core.domain.series import check_name
from ml_core.errors import ConfigurationError, InvalidReadingsError

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "timestamp": ("timestamp", "time", "ts", "datetime", "date_time", "date", "recorded_at", "created_at", "zeit"),
    "device": ("device_id", "device", "deviceid", "device_name", "asset_id", "asset", "machine_id", "machine", "unit",
               "series_id", "series"),
    "metric": ("metric_name", "metric", "key", "variable", "parameter", "measurement", "signal", "tag"),
    "value": ("value", "val", "reading", "measured_value", "wert"),
}  # fmt: skip
"""Names by role, the surest first; upper and lower case, spaces and punctuation do not count."""
UNNAMED_METRIC = "value"


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """What a person says of a table because it does not say it itself."""

    device: str | None = None
    """The device of every row, where no column names it."""
    metric: str | None = None
    """The metric of every row; of a table with one column a metric, the column to take."""
    unnamed: str | None = None
    """The device of every row, where a person need not name one: then no metric is needed either."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns by their role (timestamp, device, metric, value), where their names are unusual."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Places of a table's columns. A long table names metric and value a row, a wide one a metric a column."""

    timestamp: int
    device: int | str
    """The place of the column, or the device of every row."""
    metric: int | str | None = None
    value: int | None = None
    metrics: Mapping[int, str] = field(default_factory=dict)
    """The metric of each column of a wide table; empty for a long one."""


def find_layout(names: Sequence[str], options: LayoutOptions) -> Layout:
    """The layout of a table with these columns.

    Raises InvalidReadingsError where no column holds times or values, ConfigurationError where device or
    metric, or a told column, cannot be found and must be given, InvalidNameError where one breaks the rule.
    """
    told = (options.device, "device_id"), (options.metric, "metric_name"), (options.unnamed, "device_id")
    for given, role in told:
        if given is not None:
            check_name(given, role)
    found = {role: _find_column(role, names, options.columns) for role in SYNONYMS}
    timestamp, device, metric, value = (found[role] for role in ("timestamp", "device", "metric", "value"))
    if timestamp is None:
        raise InvalidReadingsError(
            f"no column looks like a time among {_tell(names)}: name it with --column timestamp=NAME"
        )
    holder = device if device is not None else options.device or options.unnamed
    if holder is None:
        raise ConfigurationError(
            f"no column looks like a device among {_tell(names)}: give --device ID, or --column device=NAME"
        )
    if value is None:
        metrics = _find_metrics(names, {timestamp, device}, options.metric)
        return Layout(timestamp=timestamp, device=holder, metrics=metrics)
    named = metric if metric is not None else options.metric or (UNNAMED_METRIC if options.unnamed else None)
    if named is None:
        raise ConfigurationError(
            f"no column looks like a metric's name among {_tell(names)}: give --metric NAME, or --column metric=NAME"
        )
    return Layout(timestamp=timestamp, device=holder, metric=named, value=value)


def _find_column(role: str, names: Sequence[str], told: Mapping[str, str]) -> int | None:
    if role in told:
        return _find_told(role, names, told[role])
    plain = [re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_") for name in names]
    return next((plain.index(synonym) for synonym in SYNONYMS[role] if synonym in plain), None)


def _find_told(role: str, names: Sequence[str], name: str) -> int:
    if names.count(name) != 1:
        problem = "there is no such column" if name not in names else "several columns have that name"
        raise ConfigurationError(f"--column {role}={name}: {problem} among {_tell(names)}")
    return names.index(name)


def _find_metrics(names: Sequence[str], taken: set[int | None], wanted: str | None) -> dict[int, str]:
    # A column without a name is the row number that some programs write first.
    metrics = {
        place: check_name(name.strip(), "metric_name")
        for place, name in enumerate(names)
        if place not in taken and name.strip()
    }
    if not metrics:
        raise InvalidReadingsError(f"no column is left for values among {_tell(names)}")
    if wanted is None:
        return metrics
    chosen = {place: name for place, name in metrics.items() if name == wanted}
    if not chosen and len(metrics) > 1:
        raise ConfigurationError(f"--metric {wanted}: there is no such column among {_tell(names)}")
    return chosen or dict.fromkeys(metrics, wanted)


def _tell(names: Sequence[str], shown: int = 20) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(repr(name) for name in names[:shown]) + more
