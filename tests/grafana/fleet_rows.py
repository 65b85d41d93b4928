"""A small fleet in plain SQL rows: three devices of two metrics with models, activity, verdicts, runs and findings."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg2.extensions import cursor
from psycopg2.extras import Json

from ml_core.adapters.postgres.database import Database
from ml_core.domain.scoring.rollup import LATENCY_BOUNDS_MS

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TENANT = UUID(int=0)
# (device, metric, state, health, age of the model in days; None where there is none)
SERIES = [
    ("PUMP-1", "temperature", "modelled", "healthy", 2),
    ("PUMP-1", "pressure", "modelled", "stale", 9),
    ("PUMP-2", "temperature", "modelled", "degraded", 3),
    ("PUMP-2", "pressure", "modelled", "healthy", 3),
    ("PUMP-3", "temperature", "modelled", "broken", 4),
    ("PUMP-3", "pressure", "circuit_open", "unknown", None),
    ("FAN-1", "temperature", "collecting", "unknown", None),
]
MUTED = "PUMP-4"
HOURS = 12
SCORED = 60


def add_fleet(database: Database) -> dict[tuple[str, str], int]:
    """Write the fleet, and answer the ids of its series by device and metric."""
    with database.transaction() as cur:
        cur.execute("SELECT ml_health.ensure_detection_partitions(%s, %s)", (NOW - timedelta(days=31), NOW))
        ids = {}
        for device, metric, state, health, age in [*SERIES, (MUTED, "temperature", "modelled", "stale", 8)]:
            cur.execute(
                "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, state, health, health_reasons,"
                " discovered_at, trainable_at, muted_until, state_reason)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " RETURNING id",
                (
                    TENANT,
                    device,
                    metric,
                    state,
                    health,
                    [] if health in ("healthy", "unknown") else [f"{metric} is {health}"],
                    NOW - timedelta(days=40),
                    # One collects and cannot be trained before tomorrow.
                    NOW + timedelta(days=1) if state == "collecting" else None,
                    NOW + timedelta(days=1) if device == MUTED else None,
                    "training failed three times" if state == "circuit_open" else None,
                ),
            )
            ids[device, metric] = (cur.fetchone() or (0,))[0]
            if age is not None:
                cur.execute(
                    "INSERT INTO public.ml_models (tenant_id, series_id, device_id, metric_name, version, status,"
                    " trained_at, target_alarm_rate) VALUES (%s, %s, %s, %s, 1, 'active', %s, 0.01)",
                    (TENANT, ids[device, metric], device, metric, NOW - timedelta(days=age)),
                )
        cur.execute(
            "INSERT INTO ml_health.incident (fingerprint, sequence, check_name, scope, severity, title, opened_at,"
            " updated_at, issue_number, issue_url)"
            " VALUES ('f', 1, 'artifact', 'PUMP-3', 'critical', 'damaged', %s, %s, 7,"
            " 'https://example.org/issues/7') RETURNING id",
            (NOW, NOW),
        )
        (incident,) = cur.fetchone() or (0,)
        cur.execute(
            "INSERT INTO ml_health.finding (check_name, series_id, sequence, severity, message, incident_id, opened_at,"
            " seen_at) VALUES ('artifact', %s, 1, 'critical', 'damaged', %s, %s, %s)",
            (ids["PUMP-3", "temperature"], incident, NOW - timedelta(hours=5), NOW),
        )
        cur.execute(
            "INSERT INTO ml_health.run (task, slot, outcome, owner, started_at, finished_at, duration_ms) VALUES"
            " ('ml_score', %(before)s, 'failed', 'a', %(before)s, %(before)s, 9),"
            " ('ml_score', %(at)s, 'succeeded', 'a', %(at)s, %(at)s, 12),"
            " ('ml_retrain', %(before)s, 'partial', 'a', %(before)s, %(before)s, 40)",
            {"at": NOW - timedelta(minutes=5), "before": NOW - timedelta(minutes=90)},
        )
    return ids


def add_warning(database: Database, series_id: int, *, issue_url: str) -> None:
    """An open warning of one series, nine hours old, with its issue."""
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.incident (fingerprint, sequence, check_name, scope, severity, title, opened_at,"
            " updated_at, issue_number, issue_url)"
            " VALUES ('w', 1, 'age', 'w', 'warning', 'too old', %s, %s, 9, %s) RETURNING id",
            (NOW - timedelta(hours=9), NOW, issue_url),
        )
        cur.execute(
            "INSERT INTO ml_health.finding (check_name, series_id, sequence, severity, message, incident_id, opened_at,"
            " seen_at) VALUES ('age', %s, 1, 'warning', 'too old', %s, %s, %s)",
            (series_id, (cur.fetchone() or (0,))[0], NOW - timedelta(hours=9), NOW),
        )


def add_activity(
    database: Database, ids: dict[tuple[str, str], int], *, anomalies: int = 1, buckets: dict[int, int] | None = None
) -> None:
    """Twelve hours of scoring of every series that has a model, one call a reading."""
    calls = [0] * (len(LATENCY_BOUNDS_MS) + 1)
    for bucket, count in (buckets or {3: SCORED}).items():
        calls[bucket] = count
    with database.transaction() as cur:
        for (device, metric), series_id in ids.items():
            if (device, metric, "modelled") not in [row[:3] for row in SERIES]:
                continue
            for back in range(1, HOURS + 1):
                cur.execute(
                    "INSERT INTO ml_health.activity_hourly (series_id, hour, scored, anomalies, episodes, late,"
                    " dropped, out_of_range, calls, latency_ms_sum, latency_buckets) VALUES"
                    " (%s, %s, %s, %s, 0, 0, 0, 0, %s, 1, %s)",
                    (series_id, NOW - timedelta(hours=back), SCORED, anomalies, sum(calls), calls),
                )
        roll_up_fleet(cur)


def roll_up_fleet(cur: cursor) -> None:
    """Hours by site and metric out of the hours of series, as scoring keeps them."""
    cur.execute(
        "INSERT INTO ml_health.fleet_hourly SELECT activity.hour, series.tenant_id, series.site, series.metric_name,"
        " sum(scored), sum(anomalies), sum(episodes), sum(late), sum(dropped), sum(out_of_range), sum(calls),"
        " sum(latency_ms_sum), ARRAY(SELECT sum(bucket) FROM unnest(array_agg(activity.latency_buckets)) WITH"
        f" ORDINALITY AS flat (bucket, place) GROUP BY (place - 1) % {len(LATENCY_BOUNDS_MS) + 1}"
        f" ORDER BY (place - 1) % {len(LATENCY_BOUNDS_MS) + 1}), sum(scored * model.target_alarm_rate)"
        " FROM ml_health.activity_hourly AS activity JOIN ml_health.series ON series.id = activity.series_id"
        " JOIN public.ml_models AS model ON model.series_id = series.id AND model.status = 'active' GROUP BY 1, 2, 3, 4"
    )


def add_history(database: Database, ids: dict[tuple[str, str], int]) -> None:
    """What else a day leaves behind: readings, episodes, checks, gates, runs with figures, verdicts."""
    series_id = ids["PUMP-1", "temperature"]
    gate = [
        {"check": "G0 enough data", "passed": True, "reason": "500 readings, 200 are needed"},
        {"check": "G1 alarm rate on gold", "passed": False, "reason": "9 episodes on 1000 clean readings"},
    ]
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.telemetry (tenant_id, device_id, metric_name, timestamp, value)"
            " SELECT %s, 'PUMP-1', 'temperature', at, 20 + extract(minute FROM at) / 10"
            " FROM generate_series(%s, %s, interval '10 minutes') AS at",
            (TENANT, NOW - timedelta(hours=12), NOW),
        )
        cur.execute(
            'UPDATE public.ml_models SET metadata = \'{"band_low": 18, "band_high": 28}\', promoted_at = trained_at,'
            " artifact_bytes = 1000 WHERE status = 'active'"
        )
        cur.execute(
            "INSERT INTO ml_health.episode (series_id, opened_at, last_alarm_at, closed_at, alarms, peak_score,"
            " peak_value, peak_at) VALUES (%(id)s, %(at)s, %(at)s, %(at)s, 2, -0.4, 40, %(at)s)",
            {"id": series_id, "at": NOW - timedelta(hours=2)},
        )
        for hours, task, outcome, reason, counts in (
            (10, "ml_health_check", "succeeded", None, {"checked": 6}),
            (9, "ml_purge", "succeeded", None, {"bytes_freed": 4096}),
            (8, "ml_degradation", "succeeded", None, {"canary_splits": 40, "canary_spoke": 1, "canary_nominal": 0.05}),
            (7, "ml_score", "skipped", "nothing new to score", {}),
            (6, "ml_score", "succeeded", None, {"readings_scored": 60}),
            (5, "ml_score", "succeeded", None, {"readings_scored": 60}),
        ):
            at = NOW - timedelta(hours=hours)
            cur.execute(
                "INSERT INTO ml_health.run (task, slot, outcome, reason, counts, owner, started_at, finished_at,"
                " duration_ms) VALUES (%s, %s, %s, %s, %s, 'a', %s, %s, 40) RETURNING id",
                (task, at, outcome, reason, Json(counts), at, at),
            )
            (run_id,) = cur.fetchone() or (0,)
            cur.execute(
                "INSERT INTO ml_health.run_item (run_id, series_id, outcome, reason, recorded_at)"
                " VALUES (%s, %s, 'failed', 'it said no', %s)",
                (run_id, series_id, at),
            )
            if task == "ml_health_check":
                cur.execute(
                    "INSERT INTO ml_health.check_result (run_id, series_id, check_name, verdict, reason, checked_at)"
                    " SELECT %s, %s, name, 'warn', 'late', %s FROM unnest(ARRAY['lag', 'coverage', 'age']) AS name",
                    (run_id, series_id, at),
                )
        for event, evidence in (("trained", {}), ("not_promoted", {"gate": gate}), ("promoted", {"gate": gate[:1]})):
            cur.execute(
                "INSERT INTO ml_health.model_event (happened_at, series_id, model_id, event, cause, reason, evidence)"
                " SELECT %s, series_id, id, %s, 'age', 'it is old', %s FROM public.ml_models WHERE series_id = %s",
                (NOW - timedelta(hours=4), event, Json(evidence), series_id),
            )
        cur.execute("UPDATE public.ml_models SET version = 2 WHERE series_id = %s", (series_id,))
    add_verdicts(database, series_id, "temperature", confirmed=15, false_alarm=6, normal=20, missed=1, unreviewed=3)


def add_verdicts(database: Database, series_id: int, metric: str, **counts: int) -> None:
    """So many verdicts of each kind on alarms and audited hours of one series, one a minute."""
    said = [word for word, count in counts.items() for _ in range(count)]
    with database.transaction() as cur:
        for number, word in enumerate(said):
            at = NOW - timedelta(hours=2, minutes=number)
            cur.execute(
                "INSERT INTO public.anomaly_detections (tenant_id, series_id, device_id, metric_name, value,"
                ' anomaly_score, is_anomaly, "timestamp") VALUES (%s, %s, %s, %s, 1, -0.1, %s, %s) RETURNING id',
                (TENANT, series_id, "PUMP-1", metric, word not in ("missed", "normal"), at),
            )
            (detection,) = cur.fetchone() or (None,)
            if word in ("missed", "normal"):
                cur.execute(
                    "INSERT INTO ml_health.audit_sample (id, series_id, hour, readings, probability, drawn_at)"
                    " VALUES (%s, %s, %s, 1, 1, %s)",
                    (detection, series_id, at, NOW),
                )
            if word == "unreviewed":
                continue
            cur.execute(
                "INSERT INTO ml_health.verdict (detection_id, detection_timestamp, series_id, verdict, given_by,"
                " given_at) VALUES (%s, %s, %s, %s, 'ann', %s)",
                (detection, at, series_id, word, NOW),
            )
