"""Grafana's macros and variables put into SQL, written from the public documentation of its PostgreSQL datasource."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# An argument may hold neither a parenthesis nor a comma: Grafana splits and closes at the first one.
MACRO = re.compile(r"\$__([a-zA-Z]+)(?:\(([^)]*)\))?")
VARIABLE = re.compile(r"\$\{([a-z_]+)(?::([a-z]+))?\}")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """What a dashboard shows at some moment: a time range, an interval, and each variable's choice."""

    start: datetime
    end: datetime
    interval: str = "1h"
    chosen: Mapping[str, tuple[str, ...]]

    def expand(self, raw: str, all_values: Mapping[str, str]) -> str:
        """The SQL that would reach PostgreSQL; a variable without a choice stands at All."""

        def variable(match: re.Match[str]) -> str:
            name, style = match.groups()
            if name not in self.chosen:
                return all_values[name]  # a custom "All" goes in as it is, whatever the format
            assert style == "sqlstring", f"${{{name}}} must be written ${{{name}:sqlstring}}"
            return ",".join("'" + value.replace("'", "''") + "'" for value in self.chosen[name])

        return MACRO.sub(self._macro, VARIABLE.sub(variable, raw))

    def _macro(self, match: re.Match[str]) -> str:
        name, arguments = match.group(1), [part.strip() for part in (match.group(2) or "").split(",")]
        start, end = f"'{_zulu(self.start)}'", f"'{_zulu(self.end)}'"
        match name:
            case "timeFrom":
                return start
            case "timeTo":
                return end
            case "timeFilter":
                return f"{arguments[0]} BETWEEN {start} AND {end}"
            case "timeGroup" | "timeGroupAlias":
                width = _seconds(self.interval if arguments[1] == "$__interval" else arguments[1])
                group = f"floor(extract(epoch from {arguments[0]})/{width})*{width}"
                return group + (' AS "time"' if name == "timeGroupAlias" else "")
            case "interval":
                return self.interval
        raise AssertionError(f"$__{name} is no documented macro")


def _zulu(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(interval: str) -> int:
    text = interval.strip("'")
    return int(text[:-1]) * SECONDS[text[-1]]
