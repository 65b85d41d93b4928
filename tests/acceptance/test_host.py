"""The plugin in a host that behaves as the existing orchestrator does."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.incidents.finding import Observation, Severity
from ml_core.domain.incidents.runbook import CHECKS
from ml_core.domain.model_version import ModelStatus
from ml_core.domain.policies import EscalationPolicy
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesExtent
from ml_core.entrypoints import host as host_module
from ml_core.entrypoints.host import HostPlugin, start_due
from ml_core.entrypoints.remedy import REMEDIES
from ml_core.entrypoints.runner import run_task
from ml_core.errors import ConfigurationError
from ml_core.manifest import load_manifest
from ml_core.settings import DatabaseSettings, HostSettings, Settings
from tests.acceptance.small_host import OldFixer, RetryingFixer, Scanner, SmallHost
from tests.integration.trained_site import NOW, TEN_MINUTES, discover, healthy, write_readings

SOME_UNIT = {"type": "service_down", "source": "systemd", "message": "down", "service": "nginx.service"}


class PluggedHost:
    """A host with the plugin in it, on a clock that only the test moves."""

    def __init__(self, settings: Settings, folder: Path, fixer: RetryingFixer | OldFixer) -> None:
        self.settings, self.now = settings, NOW
        self.platform = Platform(settings)
        self.plugin = HostPlugin(load=lambda: self.settings, clock=lambda: self.now)
        scanner = Scanner([SOME_UNIT])
        self.plugin.install(scanner, fixer)
        self.fixer = fixer
        self.host = SmallHost(str(folder / "orchestrator.db"), scanner, fixer)

    def close(self) -> None:
        """Close both databases."""
        self.host.close()
        self.platform.close()

    def observe(self, check: str, severity: Severity | None, *metrics: str) -> None:
        """Let a check see metrics of PUMP-1 through the real ledger."""
        keys = [SeriesKey(device="PUMP-1", metric=metric) for metric in metrics]
        extents = [SeriesExtent(key=key, first_at=self.now, newest_at=self.now, readings=1) for key in keys]
        self.platform.series.register(extents, at=self.now)
        self.platform.findings.observe(
            [
                Observation(check=check, series_id=record.series_id, severity=severity, message=f"{check} of {key}")
                for key in keys
                for record in self.platform.series.list_series(keys=[key])
            ],
            at=self.now,
        )

    def run_task(self, task: str) -> None:
        """Run the latest slot of a task now."""
        run_task(self.platform, task, now=self.now)


@pytest.fixture
def plug(database_url: str, tmp_path: Path) -> Iterator[Callable[..., PluggedHost]]:
    """Make a host with the plugin in it, where `by` escalates."""
    made: list[PluggedHost] = []

    def make(by: str, fixer: RetryingFixer | OldFixer | None = None) -> PluggedHost:
        settings = Settings(
            home=tmp_path,
            database=DatabaseSettings(url=database_url),
            escalation=EscalationPolicy(by=by),  # type: ignore[arg-type]
            host=HostSettings(run_due=False),
        )
        made.append(PluggedHost(settings, tmp_path, fixer or RetryingFixer()))
        return made[-1]

    yield make
    for plugged in made:
        plugged.close()


def test_thirty_findings_become_thirty_tasks(plug: Callable[..., PluggedHost]) -> None:
    """None collapses with another, the host's own goes its own way, and a second cycle adds nothing."""
    plugged = plug("host")
    plugged.observe("lag", Severity.CRITICAL, *(f"m{number}" for number in range(30)))

    assert plugged.host.run_cycle() == 31
    assert plugged.host.statuses() == {"escalated": 30, "closed": 1}
    assert plugged.fixer.restarted == ["nginx.service"]
    assert len({finding["message"] for finding in plugged.host.escalated}) == 30

    plugged.host.run_cycle()

    assert plugged.host.statuses() == {"escalated": 30, "closed": 1}


def test_a_finding_that_comes_back_is_accepted_again(plug: Callable[..., PluggedHost]) -> None:
    """The host never opens a hash twice, so a recurrence has another one; while it stands it keeps its own."""
    plugged = plug("host")
    for severity in (Severity.CRITICAL, None, Severity.WARNING, Severity.CRITICAL):
        plugged.now += timedelta(days=1)
        plugged.observe("lag", severity, "flow")
        plugged.host.run_cycle()

    assert plugged.host.statuses() == {"escalated": 2, "closed": 1}


@pytest.mark.parametrize("fixer", [RetryingFixer, OldFixer])
def test_a_stale_model_is_retrained_and_its_task_closed(
    plug: Callable[..., PluggedHost], database: Database, fixer: Callable[[], RetryingFixer | OldFixer]
) -> None:
    """With real models: the daily check finds an old one, the host asks for a fix, the new one serves."""
    plugged = plug("host", fixer())
    readings = healthy(6_000)
    write_readings(database, "PUMP-1", readings[:4_000], until=NOW)
    discover(plugged.platform)
    plugged.now = NOW + timedelta(days=8)
    write_readings(database, "PUMP-1", readings[4_000:5_152], until=NOW + 1_152 * TEN_MINUTES)
    plugged.run_task("ml_score")
    plugged.run_task("ml_health_check")
    assert [finding.check for finding in plugged.platform.findings.list_open(now=plugged.now)] == ["age"]

    plugged.host.run_cycle()

    versions = plugged.platform.models.list_versions()
    assert [version.status for version in versions] == [ModelStatus.RETIRED, ModelStatus.ACTIVE]
    assert plugged.host.statuses() == {"closed": 2}
    assert plugged.host.messages()[1].startswith("mended by ml_retrain: ")
    assert plugged.host.escalated == []
    assert plugged.host.run_cycle() == 1


def test_what_cannot_be_mended_is_the_hosts_to_escalate(plug: Callable[..., PluggedHost]) -> None:
    """It is told what was tried, what is still wrong, what to do and where the runbook stands."""
    plugged = plug("host")
    plugged.observe("age", Severity.CRITICAL, "flow")
    plugged.host.run_cycle()

    (escalated,) = plugged.host.escalated
    assert escalated["escalated_by"] == "host"
    assert "not mended: ml_discover succeeded" in plugged.host.messages()[1]
    assert plugged.host.messages()[1].endswith("runbooks/age.md")


def test_what_the_plugin_escalates_the_host_does_not(plug: Callable[..., PluggedHost]) -> None:
    """The host gets only what a fix may mend, and where the fix fails the issue is already the plugin's."""
    plugged = plug("plugin")
    plugged.observe("lag", Severity.CRITICAL, "flow")
    plugged.observe("age", Severity.CRITICAL, "flow")
    plugged.run_task("ml_escalate")
    lag, age = plugged.platform.findings.list_open(now=plugged.now)

    plugged.host.run_cycle()

    assert plugged.host.escalated == []
    assert plugged.host.statuses() == {"closed": 2}
    assert plugged.host.messages()[1].startswith(f"owned by incident {age.incident_id} (")
    assert len(list((plugged.settings.home / "issues").glob("*.md"))) == 2

    done, message = plugged.plugin.attempt_fix({"service": f"ml-health:{lag.finding_id}"})
    assert done
    assert message.startswith(f"owned by incident {lag.incident_id} (")


def test_before_its_issue_is_filed_a_finding_is_owned_too(plug: Callable[..., PluggedHost]) -> None:
    """The host is not faster than the plugin's own next run."""
    plugged = plug("plugin")
    plugged.observe("age", Severity.CRITICAL, "flow")
    plugged.host.run_cycle()

    assert plugged.host.escalated == []
    assert plugged.host.messages()[1].startswith("owned by ml-health, which tells it at its next ml_escalate: ")


def test_that_issues_cannot_be_filed_is_told_by_the_host(plug: Callable[..., PluggedHost]) -> None:
    """The one finding that the plugin cannot tell through its own issues is escalated by the host."""
    plugged = plug("plugin")
    tracker = Observation(
        check="issue_tracker", series_id=None, severity=Severity.CRITICAL, message="the token is wrong"
    )
    plugged.platform.findings.observe([tracker], at=plugged.now)
    plugged.host.run_cycle()

    assert [finding["message"] for finding in plugged.host.escalated] == ["the token is wrong"]


def test_muted_series_are_not_handed_over(plug: Callable[..., PluggedHost]) -> None:
    """Quiet is quiet on every channel."""
    plugged = plug("host")
    plugged.observe("lag", Severity.CRITICAL, "flow")
    key = SeriesKey(device="PUMP-1", metric="flow")
    plugged.platform.series.mute(key, until=plugged.now + timedelta(days=1), reason="known")

    assert plugged.plugin.scan() == []


def test_a_finding_has_the_hosts_form(plug: Callable[..., PluggedHost]) -> None:
    """Plain JSON, a naive ISO time in UTC, a severity the host knows, a service that is no unit, free keys."""
    plugged = plug("host")
    plugged.observe("age", Severity.WARNING, "flow")

    (finding,) = plugged.plugin.scan()

    assert json.loads(json.dumps(finding)) == finding
    assert finding == {
        "type": "ml_age",
        "source": "ml-health",
        "message": "age of PUMP-1:flow",
        "timestamp": "2025-03-01T12:20:00",
        "severity": "warning",
        "service": "ml-health:1",
        "action": "ml_retrain",
        "escalated_by": "host",
        "check": "age",
        "series": "PUMP-1:flow",
        "incident": None,
        "value": None,
        "threshold": None,
        "occurrences": 1,
    }
    assert not re.fullmatch(r"[\w@.-]+(\.service)?", finding["service"])


def test_the_retrying_form_tells_what_was_tried(plug: Callable[..., PluggedHost]) -> None:
    """All keys of the host's dict, also for a finding that is not ours, which is not touched."""
    plugged = plug("host")
    plugged.observe("age", Severity.WARNING, "flow")
    (finding,) = plugged.plugin.scan()

    ours = plugged.plugin.attempt_fix_with_retry(finding, 7)
    theirs = plugged.plugin.attempt_fix_with_retry(SOME_UNIT, 8)

    assert set(ours) == set(theirs)
    assert (ours["success"], ours["total_attempts"], ours["successful_strategy"]) == (False, 1, None)
    assert ours["all_attempts"][0]["strategy"] == "ml_retrain"
    assert (theirs["success"], theirs["total_attempts"]) == (False, 0)
    assert theirs["final_message"].startswith("not ours")


def test_a_database_that_is_down_is_one_finding_a_day(tmp_path: Path) -> None:
    """The host's cycle goes on, is told in one line without the password, and tells it itself."""
    settings = Settings(
        home=tmp_path,
        database=DatabaseSettings(url="postgresql://ml:hunter2@127.0.0.1:9/iiot", connect_timeout_s=1),
        host=HostSettings(run_due=False),
    )
    plugin = HostPlugin(load=lambda: settings)
    morning = datetime(2025, 3, 1, 6, tzinfo=UTC)

    first, later, next_day = (plugin.scan(morning + timedelta(hours=hours)) for hours in (0, 9, 24))

    assert first[0]["service"] == later[0]["service"] != next_day[0]["service"]
    assert "hunter2" not in str(first)
    assert plugin.attempt_fix(first[0]) == (False, first[0]["message"])
    assert not plugin.attempt_fix({"service": "ml-health:1"})[0]


def test_a_wrong_setting_is_a_finding_too() -> None:
    """The key is named, and nothing is raised into the host."""

    def load() -> Settings:
        raise ConfigurationError("unknown setting health.colour")

    (finding,) = HostPlugin(load=load).scan()

    assert "unknown setting health.colour" in finding["message"]


def test_a_surprise_does_not_end_the_hosts_cycle() -> None:
    """Its text may hold anything, so only its kind is told."""

    def load() -> Settings:
        raise ZeroDivisionError("secret")

    (finding,) = HostPlugin(load=load).scan()

    assert "ZeroDivisionError" in finding["message"]
    assert "secret" not in finding["message"]


def test_finished_and_unknown_findings_are_answered(plug: Callable[..., PluggedHost]) -> None:
    """What was mended meanwhile is done; what this database does not know is not."""
    plugged = plug("host")
    plugged.observe("lag", Severity.WARNING, "flow")
    plugged.observe("lag", None, "flow")

    assert plugged.plugin.attempt_fix({"service": "ml-health:1"}) == (True, "resolved already: lag of PUMP-1:flow")
    assert plugged.plugin.attempt_fix({"service": "ml-health:999"})[0] is False


def test_every_fixable_check_has_a_remedy_of_known_tasks() -> None:
    """Runbook, remedies and manifest agree."""
    tasks = {spec.task_id for spec in load_manifest().tasks}

    assert set(REMEDIES) == {check for check, words in CHECKS.items() if words.fixable}
    assert {name for remedy in REMEDIES.values() for name in (remedy.task, remedy.check)} <= tasks


def test_a_fix_of_one_series_is_no_run_of_the_fleet(plug: Callable[..., PluggedHost]) -> None:
    """The daily slot stays due, and the heartbeat is not taken for a daily check."""
    plugged = plug("host")
    plugged.observe("age", Severity.WARNING, "flow")
    plugged.host.run_cycle()

    assert plugged.platform.runs.latest("ml_health_check", until=datetime.now(UTC)) is None


def test_a_scan_runs_what_is_due_and_waits_no_longer_than_it_may(
    plug: Callable[..., PluggedHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every task runs once for its slot in a process of its own, whether the scan waits for it or not."""
    plugged = plug("plugin")
    for name, value in (
        ("ML_HEALTH_HOME", str(plugged.settings.home)),
        ("ML_HEALTH_DATABASE_URL", plugged.settings.database.url),
        ("ML_HEALTH_HOST__MAX_WAIT_S", "0"),
    ):
        monkeypatch.setenv(name, value)
    now = datetime(2025, 3, 2, 5, 4, tzinfo=UTC)

    assert host_module.scan(now) == []

    deadline = time.monotonic() + 120
    while not has_run(plugged, "ml_grafana") and time.monotonic() < deadline:
        time.sleep(0.2)
    start_due(now, max_wait_s=120)
    for child in host_module._left_running:
        child.wait(timeout=60)

    assert [spec.task_id for spec in load_manifest().tasks if not has_run(plugged, spec.task_id)] == []


def has_run(plugged: PluggedHost, task: str) -> bool:
    """Whether the task ended, in its first attempt."""
    run = plugged.platform.runs.latest(task, until=datetime.now(UTC))
    return run is not None and run.finished_at is not None and run.attempt == 1


def test_a_host_that_takes_files_of_its_own_folder_needs_one_line() -> None:
    """`tasks/ml_health_check.py` of the host may hold just this import."""
    namespace: dict[str, object] = {}
    exec("from ml_core.tasks.ml_health_check import run", namespace)

    assert callable(namespace["run"])


def test_settings_reach_the_scan(plug: Callable[..., PluggedHost]) -> None:
    """`host.run_due` decides, an argument overrides it."""
    plugged = plug("plugin")
    started: list[float] = []
    plugin = HostPlugin(
        load=lambda: replace(plugged.settings, host=HostSettings(run_due=True, max_wait_s=9.0)),
        start=lambda now, max_wait_s: started.append(max_wait_s),
    )
    plugin.scan(run_due=False)
    assert started == []

    plugin.scan()

    assert started == [9.0]
