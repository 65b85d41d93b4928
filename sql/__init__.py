"""SQL beside Python: named queries, one file an adapter, loaded as package resources."""

from __future__ import annotations

import re
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from pathlib import PurePosixPath

_COMMENT = re.compile(r"--[^\n]*")
_VIEW = re.compile(r"\bgrafana\.(\w+)")
_HEADER = re.compile(r"^-- ([a-z_0-9]+) --\s*$", re.MULTILINE)


@cache
def load_queries(name: str) -> dict[str, str]:
    """The queries of `queries/NAME.sql` by their names.

    A query begins with a line `-- its_name --`; comment lines under it say what it is for.
    """
    parts = _HEADER.split(read_sql(f"queries/{name}.sql"))
    return {title: body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def read_sql(path: str) -> str:
    """The text of an SQL file of this package, such as `schema.sql` or `views/run.sql`."""
    return files(__name__).joinpath(path).read_text(encoding="utf-8")


def list_sql(folder: str) -> list[str]:
    """The paths of the SQL files in a folder of this package, sorted by name."""
    names = sorted(entry.name for entry in files(__name__).joinpath(folder).iterdir())
    return [f"{folder}/{name}" for name in names if name.endswith(".sql")]


def load_views() -> dict[str, str]:
    """The SQL of each view of schema grafana by its name, in an order in which each finds those that it reads."""
    views = {PurePosixPath(path).stem: read_sql(path) for path in list_sql("views")}
    named = {name: set(_VIEW.findall(_COMMENT.sub("", text))) for name, text in views.items()}
    read = {name: sorted(found & views.keys() - {name}) for name, found in named.items()}
    return {name: views[name] for name in TopologicalSorter(read).static_order()}
