"""What a person says of a file of readings: the options that every command with such a file shares."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from ml_core.adapters.readings.reading_files import FileOptions
from ml_core.adapters.readings.reading_layout import SYNONYMS, LayoutOptions
from ml_core.adapters.readings.reading_times import TimeOptions


class ZoneType(click.ParamType[ZoneInfo]):
    """A time zone by its name, such as Europe/Berlin."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        """The zone; a name that is not known is refused."""
        if isinstance(value, ZoneInfo):
            return value
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fail(f"{value!r} is no time zone; write UTC or a name such as Europe/Berlin", param, ctx)


_OPTIONS = (
    click.option("--device", help="The device of every row, where no column names it."),
    click.option("--metric", help="The metric of every row, or the one column of a wide table to take."),
    click.option("--tz", "zone", type=ZoneType(), help="The zone of times that carry none, such as UTC."),
    click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="ROLE=NAME",
        help=f"The column of a role ({', '.join(SYNONYMS)}), where its name is unusual.",
    ),
    click.option("--time-format", help="The times' form in strftime's letters, such as '%d.%m.%Y %H:%M'."),
    click.option("--decimal", type=click.Choice([".", ","]), default=".", show_default=True, help="Decimal mark."),
)


def describe_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that describe a file; it takes them as one FileOptions named `options`."""

    @wraps(command)
    def with_options(
        *args: Any,
        device: str | None,
        metric: str | None,
        zone: ZoneInfo | None,
        columns: tuple[str, ...],
        time_format: str | None,
        decimal: str,
        **others: Any,
    ) -> Any:
        options = FileOptions(
            layout=LayoutOptions(device=device, metric=metric, columns=_parse_columns(columns)),
            times=TimeOptions(zone=zone, form=time_format),
            decimal=decimal,
        )
        return command(*args, options=options, **others)

    described: Callable[..., Any] = with_options
    for option in reversed(_OPTIONS):
        described = option(described)
    return described


def _parse_columns(given: tuple[str, ...]) -> dict[str, str]:
    columns = {}
    for item in given:
        role, separator, name = item.partition("=")
        if not separator or role not in SYNONYMS:
            raise click.UsageError(f"--column {item!r} is not ROLE=NAME with a role of {', '.join(SYNONYMS)}")
        columns[role] = name
    return columns
