"""Bodies of issues as a Markdown library renders them: what is meant is shown, and nothing else is live."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ml_core.domain.incidents.finding import Finding
from ml_core.domain.incidents.incident import Attempt
from ml_core.domain.incidents.issue_body import write_issue
from ml_core.domain.incidents.redaction import redact
from ml_core.domain.policies import EscalationPolicy
from ml_core.domain.series import SeriesKey
from tests.unit.issue_samples import FINDING, INCIDENT, NOW

POLICY = EscalationPolicy(dashboard_url="https://grafana.example.com")
MENTION = re.compile(r"(?<![\w`/])@[A-Za-z0-9]")
REFERENCE = re.compile(r"(?<![\w&/])#\d|\bGH-\d", re.IGNORECASE)
NASTY = (
    st.text(max_size=60)
    | st.text(st.sampled_from("|`*_~<>[]()!\\#@&-=+.:/$1ax \n\t"), max_size=60)
    | st.sampled_from(
        [
            "@ops please", "closes #1", "GH-7", "<script>alert(1)</script>", "![x](http://evil.example/x.png)",
            "[a](javascript:alert(1))", "```\nout", "| a | b |", "</details>", "<!-- x", "www.evil.example",
            "https://evil.example/@ops#1", "org/repo#3", "~~gone~~", "$x$", "\u202eevil", "1. one\n2. two",
            "@ops password=x", "authorization:x", "cookie: x", "amqp://u:p@h",
        ]
    )
)  # fmt: skip


class Page(HTMLParser):
    """What a reader sees of rendered HTML: its tags, links, cells, code, and the text outside of code."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self.code: list[str] = []
        self.text = ""
        self._within: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what is opened."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self._within.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "code":
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        if tag in self._within:
            del self._within[len(self._within) - 1 - self._within[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        """Text, by where it stands."""
        if "code" in self._within:
            self.code[-1] += data
        else:
            self.text += data
        if self._within and {"td", "th"} & set(self._within):
            self.rows[-1][-1] += data


def render(body: str) -> Page:
    """The page that GitHub's dialect makes of a body, raw HTML included, as GitHub admits some."""
    return Page(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(body))


def readable(text: str) -> str:
    """Without the signs that nobody sees."""
    return text.replace("\u200b", "")


def write(findings: list[Finding], attempts: tuple[Attempt, ...] = ()) -> Page:
    """A filed body, rendered."""
    return render(write_issue(INCIDENT, findings, POLICY, attempts, {(5, "age"): [1.0, 5.0, 9.0]}).filed_body)


def test_a_body_renders_as_it_is_meant() -> None:
    """One sentence, two links, a list of what was tried, a table of seven columns with a row a finding, JSON."""
    attempt = Attempt(series_id=5, happened_at=NOW, event="not_promoted", reason="G2: recall 0.71")

    page = write([FINDING, replace(FINDING, finding_id=42, message="second")], (attempt,))

    assert page.rows[0] == [
        "series", "severity", "value (days)", "threshold (days)", "course", "since (UTC)", "what",
    ]  # fmt: skip
    assert page.rows[1] == [
        "PUMP-1:flow", "warning", "9", "7", "▁▅█", "2025-03-01 02:00",
        "the model is 9 days old, 7 days are the most",
    ]  # fmt: skip
    assert len(page.rows) == 3
    assert page.tags.count("li") == 1
    assert [link.rpartition("/")[2] for link in page.links] == ["age.md", "mlh-device?var-device=PUMP-1"]
    assert {"details", "summary", "strong", "em"} <= set(page.tags)
    assert json.loads(page.code[-1])["findings"] == [41, 42]


@example(device="@ops", metric="password=x", message="", reason="")
@example(device="0", metric="PASS=", message="", reason="")
@example(device="@ops", metric="authorization:x", message="", reason="")
@given(device=NASTY, metric=NASTY, message=NASTY, reason=NASTY)
def test_texts_of_strangers_are_shown_and_do_nothing(device: str, metric: str, message: str, reason: str) -> None:
    """Whatever they hold: no tag, link or row of theirs, no mention and no reference is live, and all is legible."""
    try:
        key = SeriesKey(device=device, metric=metric)
    except ValueError:
        key = SeriesKey(device="PUMP-1", metric="flow")
    attempt = Attempt(series_id=5, happened_at=NOW, event="failed", reason=reason)

    page = write([replace(FINDING, key=key, message=message)], (attempt,))
    plain = write([FINDING], (attempt,))

    assert len(page.rows) == 2
    assert [len(row) for row in page.rows] == [5, 5]
    assert [link.partition("?")[0].rpartition("/")[2] for link in page.links] == ["age.md", "mlh-device"]
    assert set(page.tags) <= set(plain.tags) | {"em"}
    assert not MENTION.search(page.text)
    assert not REFERENCE.search(page.text)
    assert "://evil" not in page.text
    place = " ".join(str(key).split())
    if redact(place) == place:  # what looks like a password in an address is not shown
        assert readable(page.rows[1][0]) == place
