"""The queries keep to the clock they are given, and none of them is left over."""

import re
from pathlib import Path

import pytest

from ml_core.sql import list_sql, load_queries, read_sql

ROOT = Path(__file__).parents[2]
WALL_CLOCK = re.compile(
    r"\b(now\s*\(|current_(date|time|timestamp)\b|localtime|clock_timestamp|statement_timestamp)", re.I
)
FILES = [Path(path).stem for path in list_sql("queries")]


def without_comments(text: str) -> str:
    """The SQL itself."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))


@pytest.mark.parametrize("path", [*list_sql("queries"), *list_sql("views")])
def test_no_query_or_view_asks_the_servers_clock(path: str) -> None:
    """The time is a parameter, so that a run at an injected time sees nothing later."""
    assert WALL_CLOCK.search(without_comments(read_sql(path))) is None


@pytest.mark.parametrize("name", FILES)
def test_every_query_is_used(name: str) -> None:
    """Each query's name stands in the code that loads its file."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "ml_core" / "adapters").rglob("*.py")
        if f'"{name}"' in path.read_text(encoding="utf-8")
    )

    unused = [query for query in load_queries(name) if not re.search(rf"[\"']{query}[\"']", code)]

    assert unused == []
