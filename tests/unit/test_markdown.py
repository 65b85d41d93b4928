"""Strangers' text in issues: whatever it holds, it does nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml_core.domain.incidents.markdown import (
    BODY_LIMIT_CHARACTERS,
    code_block,
    code_span,
    cut_body,
    make_inert,
    make_title,
    table,
)

LIVE = {
    "mention": re.compile(r"@\w"),
    "reference": re.compile(r"#\d|\bGH-\d", re.IGNORECASE),
    "address": re.compile(r"\w://|://\S|\bwww\.", re.IGNORECASE),
    "tag": re.compile(r"<"),
    "entity": re.compile(r"&(?!amp;|lt;|gt;)"),
    "code": re.compile(r"(?<!\\)(?:\\\\)*`"),
    "link": re.compile(r"(?<!\\)(?:\\\\)*[\[\]]"),
    "emphasis": re.compile(r"(?<!\\)(?:\\\\)*[*~$|]"),
    "break": re.compile(r"[\r\n\x00-\x1f\u202e\u2028]"),
    "heading": re.compile(r"^[#>+=-]"),
}
MARKER = "<!-- ml-health:fingerprint=abc -->"

HOSTILE_PIECES = [
    "@", "ann", "#", "1", "closes ", "GH-", "http", "https", "://", "www.", "evil.example", "<", ">", "&", "&#64;",
    "img src=x", "`", "```", "~~~", "\n", "\r", "[", "](", ")", "!", "|", "\\", "*", "_", "$", "\u200b", "\u202e",
    "<!--", "-->", "\x00", "\ud800", " ", "mailto:", "acme/plant",
]  # fmt: skip
hostile = st.lists(st.sampled_from(HOSTILE_PIECES) | st.text(max_size=3), max_size=12).map("".join)


def find_live(text: str) -> list[str]:
    """Return the names of what would work in the text."""
    return [name for name, pattern in LIVE.items() if pattern.search(text)]


@given(hostile)
@example("@ann closes #1 GH-2 acme/plant#3 https://evil.example www.evil.example <img src=x>")
@example("\\`@ann`\\[x](http://a)")
@example("www.www.")
def test_inert_text_holds_nothing_live(text: str) -> None:
    """No mention, reference, address, tag, code or markup is left, whatever the text."""
    assert find_live(make_inert(text)) == []


@given(hostile)
def test_a_title_mentions_and_links_nobody(text: str) -> None:
    """A title is one line within its bound, without mention, reference and address."""
    title = make_title(text)

    assert not set(find_live(title)) & {"mention", "reference", "address", "break"}
    assert len(title) <= 256


@pytest.mark.parametrize("name", ["DEVICE-001", "pump_7/bearing.temp", "Station 3 (north)", "Öl-Druck", "50 % > 40"])
def test_ordinary_names_stay_readable(name: str) -> None:
    """A usual device name is shown as it is written, but for the signs that HTML needs."""
    assert make_inert(name).replace("&gt;", ">") == name
    assert make_title(name) == name


def test_a_long_title_is_cut() -> None:
    """A title over the bound ends in an ellipsis."""
    assert make_title("x" * 300) == "x" * 255 + "…"


@given(hostile)
def test_code_spans_cannot_be_left(text: str) -> None:
    """The run of backticks that opens a span occurs nowhere inside, and bars cannot end a table's cell."""
    span = code_span(text, in_table=True)
    if not span:
        return
    ticks = re.match(r"`+", span).group()
    inside = span[len(ticks) : -len(ticks)]

    assert span.endswith(ticks)
    assert ticks not in re.findall(r"`+", inside)
    assert "\n" not in span
    assert not re.search(r"(?<!\\)\|", inside)


def test_a_commits_name_links_no_commit_and_an_id_stays_as_it_is() -> None:
    """GitHub links seven to forty hexadecimal digits to a commit; UUIDs are copied into commands."""
    commit, model = "1a2b3c4d5e6f", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"

    assert make_inert(f"{commit} {model}") == f"1a2\u200bb3c4d5e6f {model}"
    assert code_span(commit) == f"`{commit}`"


@given(hostile)
def test_code_blocks_cannot_be_left(text: str) -> None:
    """No line inside of a block closes its fence, and no hidden marker survives in it."""
    first, *lines, last = code_block(text, "text").split("\n")

    assert first == last + "text"
    assert not any(line.strip().startswith(last) for line in lines)
    assert "<!--" not in "\n".join(lines)


def test_a_code_block_keeps_lines() -> None:
    """A traceback is shown line by line."""
    assert code_block("a\r\n  b\n") == "```\na\n  b\n```"


@given(st.lists(st.tuples(hostile, hostile), max_size=4))
def test_a_table_keeps_its_shape(rows: list[tuple[str, str]]) -> None:
    """Every row has two cells, whatever the cells hold."""
    lines = table(("check", "value"), rows).split("\n")

    assert len(lines) == len(rows) + 2
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3 for line in lines)


def test_a_table_shows_values() -> None:
    """Numbers are shown as Python writes them."""
    expected = "| check | value |\n| --- | --- |\n| lag | 3.5 |"

    assert table(("check", "value"), [("lag", 3.5)]) == expected


@given(hostile, st.integers(200, 400), st.integers(0, 30))
def test_a_cut_body_keeps_bound_and_marker(text: str, limit: int, repeats: int) -> None:
    """Never over the bound, the marker last, no code block left open around it."""
    body = cut_body(text * repeats, MARKER, limit)

    assert len(body) <= limit
    assert body.endswith(f"\n\n{MARKER}\n")
    assert MARKER in body.splitlines()


@pytest.mark.parametrize("fence", ["```", "~~~~", "`````"])
def test_a_block_that_is_cut_is_closed(fence: str) -> None:
    """The note and the marker stand outside of the code that was cut."""
    body = cut_body(f"before\n{fence}python\n" + "x\n" * 40_000, MARKER)

    assert len(body) <= BODY_LIMIT_CHARACTERS
    assert re.search(rf"^{fence}\n\n\*Cut here", body, re.MULTILINE)


def test_a_short_body_is_kept_whole() -> None:
    """Nothing is cut below the bound."""
    assert cut_body("one\r\ntwo\n\n", MARKER) == f"one\ntwo\n\n{MARKER}\n"
