"""Alert rules for Grafana: what somebody must be told of even when nobody looks at a dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ml_core.domain.incidents.runbook import DOCS_URL, runbook_of
from ml_core.domain.policies import HealthPolicy, TrainingPolicy
from ml_core.grafana import names
from ml_core.grafana.names import DATASOURCE_PLACE, DATASOURCE_TYPE, NAME, RECEIVER_PLACE, TAG
from ml_core.sql import read_sql

LIMITS = HealthPolicy()
HOUR_S, DAY_S = 3600, 86400
LEAST_ACTIVE_SHARE = 0.9
STALLED_S = HOUR_S
UNRETRAINED_DAYS = 9
MIN_ANOMALIES = 10
LEAST_PRECISION = 0.5
OLD_INCIDENT_HOURS = 72
EXPRESSION = {"type": "__expr__", "uid": "__expr__"}

NoData = Literal["Alerting", "OK", "NoData"]


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """One rule: a query that answers one figure, the bound that it must not cross, and where to look then."""

    name: str
    title: str
    summary: str
    description: str
    above: float | None = None
    below: float | None = None
    for_: str
    severity: Literal["critical", "warning"]
    runbook: str
    dashboard: str
    panel: str
    """Title of the panel that shows the same."""
    window_s: int = HOUR_S
    no_data: NoData = "OK"
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        """The query with its figures filled in."""
        text = read_sql(f"alerts/{self.name}.sql").strip()
        for name, value in self.values.items():
            text = text.replace(f":{name}", str(value))
        return text


RULES: tuple[AlertRule, ...] = (
    AlertRule(
        name="heartbeat",
        title="ML health: the orchestrator is silent",
        summary=f"No daily check of the models was finished in the last {LIMITS.heartbeat_max_age_hours:g} hours",
        description="The scheduler or the host does not run ml_health_check. Run `ml-health doctor` on its machine.",
        above=LIMITS.heartbeat_max_age_hours,
        for_="0s",
        severity="critical",
        runbook=runbook_of("heartbeat"),
        dashboard=names.RUNS,
        panel="Heartbeat",
        no_data="Alerting",
    ),
    AlertRule(
        name="active_share",
        title="ML health: too few series have a model",
        summary="Only {{ humanizePercentage $values.B.Value }} of the series that ought to have a model have one",
        description="Read why in the table of series without a model; failed training is tried again by itself.",
        below=LEAST_ACTIVE_SHARE,
        for_="15m",
        severity="critical",
        runbook=runbook_of("training_failures"),
        dashboard=names.FLEET,
        panel="Active models",
    ),
    AlertRule(
        name="scoring_stalled",
        title="ML health: scoring has stalled",
        summary="Readings arrive, but scoring is {{ humanizeDuration $values.B.Value }} behind them",
        description="Look at the last runs of ml_score and at why they failed or were skipped.",
        above=STALLED_S,
        for_="15m",
        severity="critical",
        runbook=runbook_of("scoring_stalled"),
        dashboard=names.RUNS,
        panel="Runs by outcome",
    ),
    AlertRule(
        name="stale_models",
        title="ML health: models are not retrained",
        summary=f"{{{{ $values.B.Value }}}} models are older than {UNRETRAINED_DAYS} days",
        description="Retraining fails or is refused. Look at what the gate refused and at the last ml_retrain run.",
        above=0,
        for_="1h",
        severity="warning",
        runbook=runbook_of("age"),
        dashboard=names.MODELS,
        panel="Age of models",
        values={"days": UNRETRAINED_DAYS},
    ),
    AlertRule(
        name="anomaly_rate",
        title="ML health: far more alarms than expected",
        summary='Alarms are {{ printf "%.1f" $values.B.Value }} times what the models were set for',
        description="One metric on many devices: look for a common cause. One device: look at its readings.",
        above=LIMITS.alarm_rate_warn_ratio,
        for_="1h",
        severity="warning",
        runbook=runbook_of("alarm_rate"),
        dashboard=names.FLEET,
        panel="Anomaly rate against target",
        window_s=6 * HOUR_S,
        values={"min_anomalies": MIN_ANOMALIES},
    ),
    AlertRule(
        name="latency_p95",
        title="ML health: scoring is slow",
        summary="95 % of the scoring calls take up to {{ $values.B.Value }} ms",
        description="Look at the load of the machine that scores and of the database.",
        above=LIMITS.latency_warn_ms,
        for_="15m",
        severity="warning",
        runbook=runbook_of("latency"),
        dashboard=names.FLEET,
        panel="Latency p50, p95, p99",
        window_s=3 * HOUR_S,
        values={"min_calls": LIMITS.min_latency_calls},
    ),
    AlertRule(
        name="precision",
        title="ML health: most alarms are false",
        summary="Only {{ humanizePercentage $values.B.Value }} of the reviewed alarms were real",
        description="Look at the series with the most false alarms; lower their target alarm rate or retrain them.",
        below=LEAST_PRECISION,
        for_="1h",
        severity="warning",
        runbook=runbook_of("false_positive_rate"),
        dashboard=names.QUALITY,
        panel="Precision",
        window_s=int(LIMITS.verdict_days * DAY_S),
        values={"min_verdicts": LIMITS.min_verdicts},
    ),
    AlertRule(
        name="incident_age",
        title="ML health: an incident stays open",
        summary='The oldest open incident is {{ printf "%.0f" $values.B.Value }} hours old',
        description="Nobody has mended its cause. Its issue says what was tried and what to do.",
        above=OLD_INCIDENT_HOURS,
        for_="1h",
        severity="warning",
        runbook=f"{DOCS_URL}/grafana.md#an-incident-stays-open",
        dashboard=names.RUNS,
        panel="Open incidents",
    ),
    AlertRule(
        name="failed_retrains",
        title="ML health: retraining fails again and again",
        summary="The last {{ $values.B.Value }} runs of ml_retrain failed",
        description="Read the reason of the last run; models grow old until it is mended.",
        above=TrainingPolicy().max_failures - 1,
        for_="0s",
        severity="critical",
        runbook=runbook_of("training_failures"),
        dashboard=names.RUNS,
        panel="Work not done, and why",
    ),
)


def provisioned_rules(panel_ids: Mapping[tuple[str, str], int], rules: Sequence[AlertRule] = RULES) -> dict[str, Any]:
    """The document that Grafana's provisioning reads; `panel_ids` by dashboard and title."""
    group = {
        "orgId": 1,
        "name": TAG,
        "folder": NAME,
        "interval": "1m",
        "rules": [_provisioned(rule, panel_ids[rule.dashboard, rule.panel]) for rule in rules],
    }
    return {"apiVersion": 1, "groups": [group]}


def notification_policy(receiver: str) -> dict[str, Any]:
    """The whole tree of policies of a Grafana that serves nothing else: what is critical is told sooner and again."""
    critical = {
        "receiver": receiver,
        "object_matchers": [["project", "=", TAG], ["severity", "=", "critical"]],
        "group_wait": "10s",
        "repeat_interval": "4h",
    }
    return {
        "receiver": receiver,
        "group_by": ["grafana_folder", "alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": [critical],
    }


def _provisioned(rule: AlertRule, panel_id: int) -> dict[str, Any]:
    return {
        "uid": f"mlh-{rule.name.replace('_', '-')}",
        "title": rule.title,
        "condition": "C",
        "data": [_question(rule), _newest(), _bound(rule)],
        "dashboardUid": rule.dashboard,
        "panelId": panel_id,
        "noDataState": rule.no_data,
        "execErrState": "Error",
        "for": rule.for_,
        # Words of annotations and labels are searched for variables: a dollar of the template is doubled.
        "annotations": {
            "summary": rule.summary.replace("$", "$$"),
            "description": rule.description,
            "runbook_url": rule.runbook,
        },
        "labels": {"project": TAG, "severity": rule.severity},
        "notification_settings": {"receiver": RECEIVER_PLACE},
    }


def _question(rule: AlertRule) -> dict[str, Any]:
    return {
        "refId": "A",
        "relativeTimeRange": {"from": rule.window_s, "to": 0},
        "datasourceUid": DATASOURCE_PLACE,
        "model": {
            "refId": "A",
            "datasource": {"type": DATASOURCE_TYPE, "uid": DATASOURCE_PLACE},
            "editorMode": "code",
            "format": "time_series",
            "rawQuery": True,
            "rawSql": rule.sql,
        },
    }


def _newest() -> dict[str, Any]:
    reduce = {"refId": "B", "type": "reduce", "reducer": "last", "expression": "A", "datasource": {**EXPRESSION}}
    return {"refId": "B", "datasourceUid": EXPRESSION["uid"], "model": reduce}


def _bound(rule: AlertRule) -> dict[str, Any]:
    evaluator = {"type": "gt", "params": [rule.above]} if rule.below is None else {"type": "lt", "params": [rule.below]}
    model = {
        "refId": "C",
        "type": "threshold",
        "expression": "B",
        "conditions": [{"evaluator": evaluator}],
        "datasource": {**EXPRESSION},
    }
    return {"refId": "C", "datasourceUid": EXPRESSION["uid"], "model": model}
