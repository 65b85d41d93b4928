"""What a person reads in an issue."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.incidents.finding import Severity
from ml_core.domain.incidents.incident import FLEET, TRACKER_CHECK, Attempt
from ml_core.domain.incidents.issue_body import digest_of, write_issue, write_recovery, write_severity_change
from ml_core.domain.incidents.issue_evidence import SHOWN
from ml_core.domain.incidents.markdown import BODY_LIMIT_CHARACTERS
from ml_core.domain.incidents.runbook import CHECKS
from ml_core.domain.policies import EscalationPolicy
from ml_core.domain.series import SeriesKey
from tests.unit.issue_samples import FINDING, INCIDENT, NOW

POLICY = EscalationPolicy(dashboard_url="https://grafana.example.com/", assignees=("ann",))
GOLDEN = """\
**the model is 9 days old, 7 days are the most**

Since 2025-03-01 02:00 UTC.

**What to do**: Look at why retraining did not happen or was refused.

**Where to look**: [Runbook](https://github.com/iiot-ml-health/iiot-ml-health/tree/main/docs/runbooks/age.md) · \
[Dashboard](https://grafana.example.com/d/mlh-device?var-device=PUMP-1) · \
how this came to be, step by step: `ml-health explain 12`

**Tried by itself**

- 2025-03-01 02:40 UTC, `PUMP-1:flow`: not promoted: G2: recall on injected faults 0.71, 0.80 needed

**Evidence**

| series | severity | value (days) | threshold (days) |
| --- | --- | --- | --- |
| `PUMP-1:flow` | warning | 9 | 7 |

This text is kept current. Once the fault is gone, the issue is closed after 3 healthy daily checks, unless somebody \
took part or the label `keep-open` stands. Close it as *not planned* to have it left alone.

<details><summary>For machines</summary>

```json
{
  "incident": {
    "check": "age",
    "scope": "t/PUMP-1",
    "sequence": 1
  },
  "findings": [
    41
  ],
  "series": [
    "PUMP-1:flow"
  ],
  "models": [
    "00000000-0000-0000-0000-000000000009"
  ]
}
```

</details>"""


def test_one_finding_reads_from_what_is_wrong_to_what_to_do() -> None:
    """The whole text, as a person sees it."""
    attempt = Attempt(
        series_id=5,
        happened_at=NOW + timedelta(minutes=40),
        event="not_promoted",
        reason="G2: recall on injected faults 0.71, 0.80 needed",
    )

    draft = write_issue(INCIDENT, [FINDING], POLICY, [attempt])

    assert draft.title == "[ml-health] Model too old: PUMP-1 flow"
    assert draft.labels == ("severity:warning", "check:age")
    assert draft.assignees == ("ann",)
    assert draft.body == GOLDEN


def test_the_course_of_a_check_is_drawn_where_there_is_one() -> None:
    """A small chart in the finding's row; two values are no course."""
    other = replace(FINDING, finding_id=42, series_id=6, key=SeriesKey(device="PUMP-1", metric="heat"))
    courses = {(5, "age"): [1.0, 2.0, 4.0, 9.0], (6, "age"): [8.0, 9.0]}

    body = write_issue(INCIDENT, [FINDING, other], POLICY, courses=courses).body

    assert "| series | severity | value (days) | threshold (days) | course | since (UTC) | what |" in body
    assert "| `PUMP-1:flow` | warning | 9 | 7 | ▁▂▄█ |" in body
    assert "| `PUMP-1:heat` | warning | 9 | 7 |  |" in body
    assert "Course: the value at the last checks" in body


@pytest.mark.parametrize(
    ("devices", "assignees"),
    [(("PUMP-1",), ("bob", "cy")), (("FAN-1",), ("ann",)), (("PUMP-1", "FAN-1"), ("dee",)), ((), ("dee",))],
)
def test_new_issues_are_assigned_by_rule(devices: tuple[str, ...], assignees: tuple[str, ...]) -> None:
    """By check and device, many devices as the fleet; where no rule matches, to the site's own people."""
    policy = replace(POLICY, assignees_by_pattern={"*/fleet": ["dee"], "age/PUMP-*": ["bob", "cy"], "drift/*": ["eve"]})
    keys = [SeriesKey(device=device, metric="flow") for device in devices] or [None]

    draft = write_issue(INCIDENT, [replace(FINDING, key=key) for key in keys], policy)

    assert draft.assignees == assignees


def test_what_may_have_changed_on_purpose_comes_with_its_command() -> None:
    """It can be copied into a shell, whatever the series is called; other checks have no such way out."""
    odd = replace(FINDING, check="drift", key=SeriesKey(device="line 1;$(reboot)", metric="flow"))

    drift = write_issue(replace(INCIDENT, check="drift"), [odd], POLICY).body
    age = write_issue(INCIDENT, [FINDING], POLICY).body
    unit = write_issue(replace(INCIDENT, check="unit_change"), [replace(FINDING, check="unit_change")], POLICY).body

    assert """`ml-health accept-drift 'line 1;$(reboot):flow' --reason "..."`""" in drift
    assert (
        """If the new unit is meant, accept it: `ml-health accept-drift PUMP-1:flow --since 2025-03-01T02:00:00Z"""
        in unit
    )
    assert "accept-drift" not in age


def test_the_dashboard_of_a_device_is_linked_whatever_its_name() -> None:
    """One device has a page of its own; signs in its name are spelt as an address does."""
    odd = replace(FINDING, key=SeriesKey(device="line 1/pump&x=@ann", metric="flow"))

    body = write_issue(INCIDENT, [odd], POLICY).body
    many = write_issue(INCIDENT, [FINDING, odd], POLICY).body

    assert "/d/mlh-device?var-device=line%201%2Fpump%26x%3D%40ann)" in body
    assert "/d/mlh-fleet)" in many


def test_a_storm_is_told_by_its_counts_and_its_gravest() -> None:
    """The gravest come first, then the oldest; the rest are counted."""
    many = [
        replace(FINDING, finding_id=n, series_id=n, key=SeriesKey(device=f"PUMP-{n}", metric="flow"))
        for n in range(1_200)
    ]
    many[700] = replace(many[700], severity=Severity.CRITICAL, message="30 days old")

    draft = write_issue(replace(INCIDENT, scope=FLEET), many, POLICY)

    rows = re.findall(r"^\| `(PUMP-\d+):flow`", draft.body, re.MULTILINE)
    assert draft.title == "[ml-health] Model too old: 1,200 series"
    assert draft.body.startswith("**Model too old: 1,200 series.** The gravest: `PUMP-700:flow`, 30 days old\n")
    assert "1,200 findings on 1,200 devices: 1 critical, 1,199 warning. By metric: `flow` 1,200." in draft.body
    assert rows == ["PUMP-700", *(f"PUMP-{n}" for n in range(SHOWN - 1))]
    assert "… and 1,180 more." in draft.body
    assert draft.labels[0] == "severity:critical"


@pytest.mark.parametrize(("occurrences", "told"), [(2, "come back once after"), (4, "come back 3 times after")])
def test_a_return_is_told(occurrences: int, told: str) -> None:
    """How often, and where it was told before."""
    back = replace(INCIDENT, occurrences=occurrences, previous_issue_url="https://github.com/a/b/issues/3")

    body = write_issue(back, [FINDING], POLICY).body

    assert told in body
    assert "It was told before in https://github.com/a/b/issues/3" in body


def test_a_finding_of_the_fleet_has_no_series() -> None:
    """The platform's own checks read as well."""
    fleet = replace(FINDING, check="heartbeat", key=None, series_id=None, model_id=None, value=None, threshold=None)
    incident = replace(INCIDENT, check="heartbeat", scope=FLEET)

    draft = write_issue(incident, [fleet], EscalationPolicy())

    assert draft.title == "[ml-health] Daily check did not run"
    assert "| `fleet` | warning |  |  |" in draft.body
    assert "- Nothing yet." in draft.body
    assert "Dashboard" not in draft.body


def test_a_check_of_a_later_version_is_told_without_advice() -> None:
    """An unknown check is no reason to stay silent."""
    draft = write_issue(replace(INCIDENT, check="new_check"), [replace(FINDING, check="new_check")], POLICY)

    assert draft.title == "[ml-health] New check: PUMP-1 flow"
    assert "Runbook" not in draft.body


def test_every_check_has_words_and_a_runbook_name() -> None:
    """Whatever the checks can find, people are told what it is called and what to do."""
    assert {str(name) for name in CheckName} | {TRACKER_CHECK} == set(CHECKS)
    assert all(words.title and words.advice.endswith(".") for words in CHECKS.values())


@given(
    st.text(min_size=1, max_size=3_000),
    st.text(st.characters(blacklist_categories=["C", "Z"], blacklist_characters='"\\'), min_size=1, max_size=80),
)
def test_texts_of_strangers_do_nothing_and_fit(message: str, device: str) -> None:
    """Any message and device: no mention, no HTML, one row a finding, within the tracker's bound."""
    key = SeriesKey(device=device.replace("..", "xx"), metric="flow")
    findings = [replace(FINDING, finding_id=n, message=message, key=key) for n in range(SHOWN)]

    body = write_issue(INCIDENT, findings, POLICY).body
    shown, _, block = body.partition("<details><summary>For machines")
    prose = re.sub(r"(`+) ?.+? ?\1(?!`)|</?(?:details|summary)>", "", shown)

    assert not re.search(r"@\w|#\d|<(?!br>)", prose)
    assert len(re.findall(r"^\| .* \|$", shown, re.MULTILINE)) == SHOWN + 4
    assert len(body) <= BODY_LIMIT_CHARACTERS
    assert json.loads(block.partition("json\n")[2].rpartition("\n```")[0])["findings"] == list(range(SHOWN))


def test_the_digest_follows_what_people_see() -> None:
    """Unchanged findings write the same issue, any other value another one."""
    draft = write_issue(INCIDENT, [FINDING], POLICY)

    assert digest_of(draft) == digest_of(write_issue(INCIDENT, [replace(FINDING, occurrences=9)], POLICY))
    assert digest_of(draft) != digest_of(write_issue(INCIDENT, [replace(FINDING, value=10.0)], POLICY))
    assert digest_of(draft) != digest_of(write_issue(INCIDENT, [replace(FINDING, severity=Severity.CRITICAL)], POLICY))


def test_comments_are_one_plain_sentence_each() -> None:
    """What a notification says."""
    assert write_severity_change(Severity.WARNING, Severity.CRITICAL) == ("The severity went from warning to critical.")
    assert write_recovery("age", needed=3) == (
        "Recovered: the check `age` finds nothing wrong any more. This issue is closed after 3 healthy daily checks "
        "in a row, unless somebody took part in it or it carries the label `keep-open`."
    )
