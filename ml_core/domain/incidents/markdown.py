"""Text of strangers (device names, exceptions) made fit for an issue: inert and within bounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

BODY_LIMIT_CHARACTERS = 65_536
"""The longest body that GitHub takes."""

TITLE_LIMIT_CHARACTERS = 256
CUT_NOTE = "*Cut here: the text was longer than the tracker takes.*"

_BREAK = "\u200b"
"""A zero-width space: nobody sees it, and it parts what would be joined to a mention, reference or link."""

_REORDERING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\u2028\u2029\u0085"
_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_REORDERING}\ud800-\udfff]")
_LIVE_SIGN = re.compile(r"@(?=\w)|#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)
_COMMIT = re.compile(r"(?<![\w-])([0-9a-f]{3})(?=[0-9a-f]{4,37}(?![\w-]))", re.IGNORECASE)
"""What may be a commit's name; the parts of a UUID are none."""
_WWW = re.compile(r"\b(www)\.", re.IGNORECASE)
_MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])|^[#+=-]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_BACKTICKS = re.compile(r"`+")


def make_inert(text: str) -> str:
    """Return one line of Markdown that shows `text` and does nothing.

    No mention, reference, link, HTML or markup in it works; it may stand anywhere, also in a table's cell.
    """
    return _MARKUP.sub(r"\\\g<0>", _part(_one_line(text)).translate(_ENTITIES))


def make_title(text: str, limit: int = TITLE_LIMIT_CHARACTERS) -> str:
    """Return one plain line for an issue's title, where trackers render no Markdown, cut to `limit`."""
    line = _part(_one_line(text))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def code_span(text: str, *, in_table: bool = False) -> str:
    """Return `text` as code within a line, or within a table's cell, however many backticks it holds."""
    line = _break_comments(_one_line(text))
    if in_table:
        line = line.replace("|", "\\|")
    if not line:
        return ""
    ticks = "`" * (_longest_run(line) + 1)
    padding = " " if "`" in (line[0], line[-1]) else ""
    return f"{ticks}{padding}{line}{padding}{ticks}"


def code_block(text: str, language: str = "") -> str:
    """Return `text` as a fenced block whose fence is longer than any run of backticks inside."""
    lines = _break_comments(_clean(text).strip("\n"))
    fence = "`" * max(3, _longest_run(lines) + 1)
    return f"{fence}{language}\n{lines}\n{fence}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, code: Sequence[str] = ()) -> str:
    """Return a Markdown table; every cell is shown as inert text, or as code in the columns that are named so."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |"

    def show(name: str, cell: object) -> str:
        return code_span(str(cell), in_table=True) if name in code else make_inert(str(cell))

    body = (line(show(name, cell) for name, cell in zip(header, row, strict=True)) for row in rows)
    return "\n".join((line(map(make_inert, header)), line(["---"] * len(header)), *body))


def cut_body(body: str, marker: str, limit: int = BODY_LIMIT_CHARACTERS) -> str:
    """Return `body` with `marker` as its last line, cut to `limit` characters, no code block left open."""
    ending = f"\n\n{marker}\n"
    kept = _clean(body).rstrip()
    if len(kept) + len(ending) <= limit:
        return kept + ending
    ending = f"\n\n{CUT_NOTE}{ending}"
    room = limit - len(ending)
    kept = kept[:room]
    while (excess := len(closed := _close_fence(kept)) - room) > 0:
        kept = kept[:-excess]
    return closed + ending


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def _one_line(text: str) -> str:
    return " ".join(_clean(text).split())


def _part(text: str) -> str:
    """Put breaks where GitHub would see a mention, an issue's number or an address.

    The break stands before a colon of `://`: after it, it would count as part of the host's name.
    """
    parted = _LIVE_SIGN.sub(rf"\g<0>{_BREAK}", text).replace("://", f"{_BREAK}:{_BREAK}//")
    return _COMMIT.sub(rf"\1{_BREAK}", _WWW.sub(rf"\1{_BREAK}.", parted))


def _break_comments(text: str) -> str:
    """Break HTML comments, so that the hidden marker of a quoted body is not taken for the issue's own."""
    return text.replace("<!--", f"<!{_BREAK}--")


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)


def _close_fence(text: str) -> str:
    """Return the text with the code block closed in which it ends, if it ends in one."""
    fence = ""
    for found in _FENCE.findall(text):
        if not fence:
            fence = found
        elif found.startswith(fence):
            fence = ""
    return f"{text}\n{fence}" if fence else text
