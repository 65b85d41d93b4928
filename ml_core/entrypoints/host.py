"""The plugin inside of an existing orchestrator: `scan()` and `attempt_fix()` in the host's own forms."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml_core.bootstrap import Platform
from ml_core.domain.incidents.finding import Finding
from ml_core.domain.incidents.incident import TRACKER_CHECK
from ml_core.domain.incidents.redaction import redact
from ml_core.domain.incidents.runbook import CHECKS, runbook_of
from ml_core.entrypoints.host_finding import is_ours, read_finding_id, tell_trouble, to_host
from ml_core.entrypoints.remedy import REMEDIES, apply_remedy, is_fixable
from ml_core.errors import MLHealthError
from ml_core.settings import Settings, load_settings

logger = logging.getLogger(__name__)

_left_running: list[subprocess.Popen[bytes]] = []
"""Started by an earlier scan of this process and not waited for to the end."""


def start_due(now: datetime | None, *, max_wait_s: float) -> None:
    """Start what is due in a process of its own and wait for it a while; what takes longer goes on by itself."""
    _left_running[:] = [child for child in _left_running if child.poll() is None]
    command = [sys.executable, "-m", "ml_core.entrypoints.due_runner"]
    command += [] if now is None else [now.isoformat()]
    quiet = subprocess.DEVNULL
    # In a session of its own, so that the end of the host's cycle does not end it.
    child = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        child.wait(timeout=max_wait_s)
    except subprocess.TimeoutExpired:
        _left_running.append(child)


@dataclass(frozen=True, kw_only=True)
class HostPlugin:
    """What a host calls; no fault of ours leaves it as an exception."""

    load: Callable[[], Settings] = load_settings
    start: Callable[..., None] = start_due
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def scan(self, now: datetime | None = None, *, run_due: bool | None = None) -> list[dict[str, Any]]:
        """Run what is due (None: as the setting says), then give the open findings that are the host's to know.

        With this plugin escalating these are the ones that a fix may mend, and that issues cannot be filed.
        """
        moment = now or self.clock()
        try:
            settings = self.load()
            if settings.host.run_due if run_due is None else run_due:
                self.start(now, max_wait_s=settings.host.max_wait_s)
            with closing(Platform(settings)) as platform:
                findings = platform.findings.list_open(now=moment)
            by = settings.escalation.by
            return [
                _redact(to_host(finding, escalated_by=by), settings)
                for finding in findings
                if not finding.muted and (by == "host" or is_fixable(finding.check) or finding.check == TRACKER_CHECK)
            ]
        except Exception as exc:  # noqa: BLE001 - a plugin must not end its host's cycle
            return [tell_trouble(_explain(exc), at=moment)]

    def attempt_fix(self, finding: Mapping[str, Any], now: datetime | None = None) -> tuple[bool, str]:
        """Try to mend a finding of ours; whether the host is done with it, and why.

        A finding that this plugin escalates is always done for the host. One that is not ours is not touched.
        """
        if not is_ours(finding):
            return False, "not ours: this finding does not come from ml-health"
        finding_id = read_finding_id(finding)
        if finding_id is None:
            return False, str(finding.get("message"))
        try:
            settings = self.load()
            with closing(Platform(settings)) as platform:
                done, message = _attempt(platform, finding_id, now or self.clock())
            return done, redact(message, settings.secrets)
        except Exception as exc:  # noqa: BLE001 - as above
            return False, _explain(exc)

    def attempt_fix_with_retry(self, finding: Mapping[str, Any], task_id: object = None) -> dict[str, Any]:
        """The same in the form of the host's later fixer; `task_id` is the host's own number of the finding."""
        began = time.monotonic()
        success, message = self.attempt_fix(finding)
        strategy = str(finding.get("action") or "none")
        tried = [{"attempt": 1, "strategy": strategy, "success": success, "message": message}]
        return {
            "success": success,
            "total_attempts": len(tried) if is_ours(finding) else 0,
            "final_message": message,
            "total_time": time.monotonic() - began,
            "successful_strategy": strategy if success else None,
            "all_attempts": tried if is_ours(finding) else [],
        }

    def install(self, scanner: Any, fixer: Any) -> None:
        """Add ours to a host's scanner and fixer: its findings are followed by ours, its fixer sees only its own."""
        own_scan = scanner.scan_all
        scanner.scan_all = lambda *args, **kwargs: [*own_scan(*args, **kwargs), *self.scan()]
        for name, ours in (
            ("attempt_fix", self.attempt_fix),
            ("attempt_fix_with_retry", self.attempt_fix_with_retry),
        ):
            if hasattr(fixer, name):
                setattr(fixer, name, _ours_first(ours, getattr(fixer, name)))


def _ours_first(ours: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
    def choose(issue: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        return ours(issue) if is_ours(issue) else theirs(issue, *args, **kwargs)

    return choose


def _attempt(platform: Platform, finding_id: int, now: datetime) -> tuple[bool, str]:
    finding = platform.findings.find(finding_id)
    if finding is None:
        return False, f"finding {finding_id} is not known in this database"
    if finding.resolved_at is not None:
        return True, f"resolved already: {finding.resolved_reason}"
    if not is_fixable(finding.check):
        return _hand_over(platform, finding, "nothing to try by itself")
    told = apply_remedy(platform, finding, now=now)
    after = platform.findings.find(finding_id) or finding
    if after.resolved_at is not None:
        return True, f"mended by {REMEDIES[finding.check].task}: {after.resolved_reason}"
    return _hand_over(platform, after, f"not mended: {told}; {after.message}")


def _hand_over(platform: Platform, finding: Finding, words: str) -> tuple[bool, str]:
    """Who goes on with it: the host, by the answer False, or this plugin, whose issue stands or follows."""
    words = f"{words}. {_advise(finding.check)}"
    if platform.settings.escalation.by == "host" or finding.check == TRACKER_CHECK:
        return False, words
    if finding.incident_id is None:
        return True, f"owned by ml-health, which tells it at its next ml_escalate: {words}"
    issue = platform.incidents.get(finding.incident_id).issue_url
    return True, f"owned by incident {finding.incident_id}{f' ({issue})' if issue else ''}: {words}"


def _advise(check: str) -> str:
    return f"{CHECKS[check].advice} {runbook_of(check)}" if check in CHECKS else "a person must look"


def _redact(finding: dict[str, Any], settings: Settings) -> dict[str, Any]:
    return finding | {"message": redact(finding["message"], settings.secrets)}


def _explain(exc: Exception) -> str:
    if isinstance(exc, MLHealthError):
        return f"ml-health does not work: {redact(str(exc))}"
    logger.error("ml-health failed within its host", exc_info=exc)
    return f"ml-health failed ({type(exc).__name__}); run `ml-health doctor`"


_plugin = HostPlugin()
scan = _plugin.scan
attempt_fix = _plugin.attempt_fix
attempt_fix_with_retry = _plugin.attempt_fix_with_retry
install = _plugin.install
