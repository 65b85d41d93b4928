"""Other settings of a backtest: typed, within their bounds, and never reaching anybody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ml_core.domain.policies import AlertPolicy, EscalationPolicy
from ml_core.entrypoints.backtest.variants import REPLAYED, look_back, shut_in, vary
from ml_core.entrypoints.cli import call
from ml_core.errors import ConfigurationError
from ml_core.settings import ArtifactSettings, DatabaseSettings, GitHubSettings, Settings, section_types

SITE = Settings(
    home=Path("/srv/site"),
    database=DatabaseSettings(url="postgresql://user:secret@db/site"),
    artifacts=ArtifactSettings(url="s3://models"),
    github=GitHubSettings(repository="acme/plant", token="token"),
    alerts=AlertPolicy(log_path="/srv/site/alerts.jsonl"),
    escalation=EscalationPolicy(by="host"),
)


def test_what_is_set_differs_and_nothing_else() -> None:
    """Numbers, words and tables are read as in the environment."""
    varied = vary(
        SITE,
        [
            "gate.max_alarm_ratio=1.5",
            "gate.gold_readings=500",
            "detector.false_alarm_budget=1 per sensor-week",
            'training.kind_by_pattern={ "PUMP-*" = "isolation_forest" }',
        ],
    )

    assert (varied.gate.max_alarm_ratio, varied.gate.gold_readings) == (1.5, 500)
    assert varied.gate.max_recall_loss == SITE.gate.max_recall_loss
    assert varied.detector.false_alarm_budget == "1 per sensor-week"
    assert varied.training.kind_by_pattern == {"PUMP-*": "isolation_forest"}
    assert varied.escalation == SITE.escalation


def test_a_setting_is_given_once() -> None:
    """Of two values one would be replayed and both be told."""
    with pytest.raises(ConfigurationError, match="each setting may be given once"):
        vary(SITE, ["gate.max_alarm_ratio=1.5", "gate.max_alarm_ratio=1.6"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("gate.max_recall_loss=2", "gate.max_recall_loss: Input should be less than or equal to 1"),
        ("gate.gold_readings=many", "gate.gold_readings: Input should be a valid integer"),
        ("gate.strictness=1", "unknown setting gate.strictness; known: drift_distance"),
        ("gates.max_recall_loss=1", "not of 'gates'"),
        ("gate", "has no value; write SECTION.KEY=VALUE"),
        ("detector.false_alarm_budget=few", "detector.false_alarm_budget"),
        ("training.kind=oracle", "unknown detector kind 'oracle'; known kinds: isolation_forest"),
        ("health.stale_age_days=20", "stale_age_days is 20, it must be less than failed_age_days (14)"),
        ("github.token=x", "replays settings of the sections detector, training"),
        ("escalation.by=plugin", "a backtest tells nobody"),
        ("gate.max_recall_loss=0.1", "this is what the site has today"),
    ],
)
def test_what_is_wrong_is_named_with_its_bound(change: str, words: str) -> None:
    """Before anything is read."""
    with pytest.raises(ConfigurationError) as caught:
        vary(SITE, [change])

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (("2026-01-02T00:00Z", "2026-01-01T00:00Z"), "must lie after --from"),
        (("2026-01-02T00:00Z", "2999-01-01T00:00Z"), "is yet to come"),
        (("2026-01-02T00:00", "2026-01-03T00:00Z"), "has no time zone"),
    ],
)
def test_a_time_that_cannot_be_replayed_is_wrong_usage(
    span: tuple[str, str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Exit code 64, and why."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path))

    assert call(["backtest", "--from", span[0], "--to", span[1]]) == 64
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_replay_reaches_nothing_of_the_site() -> None:
    """Own database, models, alerts and issues; the rules are the site's."""
    inside = shut_in(SITE, Path("/srv/site/backtest/today"))

    assert inside.home == Path("/srv/site/backtest/today")
    assert inside.secrets == ()
    assert (inside.artifacts.url, inside.alerts.log_path, inside.escalation.by) == ("", "", "plugin")
    assert not inside.github.is_set
    assert all(getattr(inside, name) == getattr(SITE, name) for name in ("gate", "detector", "health", "drift"))


def test_the_replayed_sections_are_sections() -> None:
    """None of the list was renamed."""
    assert set(REPLAYED) <= set(section_types())


def test_a_replay_looks_back_as_far_as_any_rule() -> None:
    """A short training window does not take the longest look of the checks away."""
    short = vary(SITE, ["training.window_days=2", "drift.widened_days=9"])

    assert look_back(SITE) == timedelta(days=28)
    assert look_back(short) == timedelta(days=9)
