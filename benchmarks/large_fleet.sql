-- A fleet as large as asked, with what months of tasks leave behind, in a few statements.

-- series --
INSERT INTO ml_health.series
    (tenant_id, site, device_id, metric_name, state, health, health_reasons, discovered_at, newest_reading_at)
SELECT '00000000-0000-0000-0000-000000000000', 'site-' || (number / 4) %% 4, 'DEVICE-' || lpad((number / 4)::text, 5, '0'),
       (ARRAY['temperature', 'pressure', 'vibration', 'current'])[1 + number %% 4], 'modelled',
       CASE WHEN number %% 50 = 0 THEN 'degraded' WHEN number %% 40 = 0 THEN 'stale' ELSE 'healthy' END, '{}',
       %(now)s - interval '1 year', %(now)s
FROM generate_series(0, %(series)s - 1) AS number;

-- models --
INSERT INTO public.ml_models
    (tenant_id, series_id, device_id, metric_name, version, status, trained_at, promoted_at, retired_at,
     target_alarm_rate, artifact_bytes, metadata)
SELECT tenant_id, id, device_id, metric_name, version, CASE WHEN version = 6 THEN 'active' ELSE 'retired' END,
       %(now)s - interval '1 week' * (7 - version) + interval '1 minute' * (id %% 1440),
       %(now)s - interval '1 week' * (7 - version) + interval '1 minute' * (id %% 1440),
       CASE WHEN version < 6 THEN %(now)s - interval '1 week' * (6 - version) + interval '1 minute' * (id %% 1440) END,
       0.001, 30000, '{"band_low": 18, "band_high": 32}'
FROM ml_health.series CROSS JOIN generate_series(1, 6) AS version;

-- states --
INSERT INTO ml_health.detector_state (series_id, model_id, scored_from, watermark, updated_at)
SELECT series_id, id, %(now)s - interval '1 year', %(now)s, %(now)s FROM public.ml_models WHERE status = 'active';

-- events --
INSERT INTO ml_health.model_event (happened_at, series_id, model_id, event, cause, reason, evidence)
SELECT promoted_at, series_id, id, event, 'age', 'it is old',
       '{"gate": [{"check": "G0 enough data", "passed": true, "reason": "enough"},
                  {"check": "G1 alarm rate on gold", "passed": false, "reason": "9 episodes"}]}'
FROM public.ml_models
CROSS JOIN LATERAL unnest(CASE WHEN series_id %% 20 = 0 THEN ARRAY['trained', 'not_promoted'] ELSE ARRAY['trained', 'promoted'] END) AS event;

-- partitions --
SELECT ml_health.ensure_detection_partitions(
    date_trunc('month', %(now)s::timestamptz) - interval '1 month' * (%(months)s - 1), %(now)s
);

-- episodes --
INSERT INTO ml_health.episode
    (series_id, opened_at, last_alarm_at, closed_at, alarms, peak_score, peak_value, peak_at)
SELECT id, at, at + interval '1 hour', at + interval '2 hours', 5, -0.5, 40, at
FROM ml_health.series
CROSS JOIN generate_series(%(now)s - interval '60 days', %(now)s - interval '3 hours', interval '2 days') AS at;

-- detections --
-- Each series has its own phase, so that no two of them share their instants.
INSERT INTO public.anomaly_detections
    (tenant_id, series_id, device_id, metric_name, model_id, "timestamp", value, anomaly_score, is_anomaly, confidence,
     severity, band_low, band_high, metadata, detected_at)
SELECT series.tenant_id, series.id, series.device_id, series.metric_name, model.id,
       oldest.at + (%(now)s - oldest.at) * ((number + (series.id %% 97) / 97.0) / %(detections)s * %(series)s),
       40 + number %% 7, -0.1 - (number %% 10) / 20.0, true, 0.999, (number * 7919 %% 100) / 10.0, 18, 32, '{}', %(now)s
FROM ml_health.series
JOIN public.ml_models AS model ON model.series_id = series.id AND model.status = 'active'
CROSS JOIN (SELECT date_trunc('month', %(now)s::timestamptz) - interval '1 month' * (%(months)s - 1) AS at) AS oldest
CROSS JOIN generate_series(0, %(detections)s / %(series)s - 1) AS number;

-- verdicts --
-- About one alarm of fifty, of every size of fleet: a limit would leave none to the last week of a large one.
INSERT INTO ml_health.verdict (detection_id, detection_timestamp, series_id, verdict, given_by, given_at)
SELECT id, "timestamp", series_id, CASE WHEN row_number %% 4 = 0 THEN 'false_alarm' ELSE 'confirmed' END, 'ann',
       "timestamp" + interval '5 hours'
FROM (
    SELECT *, row_number() OVER () FROM public.anomaly_detections
    WHERE "timestamp" > %(now)s - interval '30 days' AND (extract(epoch FROM "timestamp")::bigint / 60) %% 50 = 0
) AS reviewed;

-- activity --
INSERT INTO ml_health.activity_hourly
    (series_id, hour, scored, anomalies, episodes, late, dropped, out_of_range, calls, latency_ms_sum, latency_buckets)
SELECT id, hour, 60, (id + extract(hour FROM hour)::bigint) %% 13 / 12, 0, 0, 0, 0, 12, 30,
       ARRAY[0, 0, 1, 2, 5, 2, 1, 1, 0, 0, 0, 0, 0, 0]::bigint[]
FROM ml_health.series
CROSS JOIN generate_series(date_trunc('hour', %(now)s::timestamptz) - interval '1 day' * %(rollup_days)s,
                           date_trunc('hour', %(now)s::timestamptz) - interval '1 hour', interval '1 hour') AS hour;

-- fleet --
INSERT INTO ml_health.fleet_hourly
SELECT activity.hour, series.tenant_id, series.site, series.metric_name, sum(scored), sum(anomalies), sum(episodes),
       sum(late), sum(dropped), sum(out_of_range), sum(calls), sum(latency_ms_sum),
       (ARRAY[0, 0, 1, 2, 5, 2, 1, 1, 0, 0, 0, 0, 0, 0]::bigint[]), sum(scored) * 0.001
FROM ml_health.activity_hourly AS activity
JOIN ml_health.series ON series.id = activity.series_id
GROUP BY 1, 2, 3, 4;

-- telemetry --
INSERT INTO ml_health.telemetry (tenant_id, device_id, metric_name, "timestamp", value)
SELECT tenant_id, device_id, metric_name, at, 25 + extract(minute FROM at) / 20
FROM ml_health.series
CROSS JOIN generate_series(%(now)s - interval '8 days', %(now)s, interval '10 minutes') AS at;

-- runs --
INSERT INTO ml_health.run (task, slot, outcome, counts, owner, started_at, finished_at, duration_ms)
SELECT task, slot, CASE WHEN extract(epoch FROM slot)::bigint %% 7000 = 0 THEN 'failed' ELSE 'succeeded' END,
       '{"series": 2000, "readings_scored": 60000, "bytes_freed": 30000, "canary_splits": 40, "canary_spoke": 1,
         "canary_nominal": 0.05}', 'bench', slot, slot + interval '20 seconds', 20000
FROM (VALUES ('ml_score', interval '5 minutes'), ('ml_escalate', interval '15 minutes'), ('ml_discover', interval '1 hour'),
             ('ml_health_check', interval '1 day'), ('ml_degradation', interval '1 day'), ('ml_retrain', interval '1 day'),
             ('ml_purge', interval '1 day')) AS task (task, every)
CROSS JOIN LATERAL generate_series(%(now)s - interval '90 days', %(now)s - interval '1 minute', every) AS slot;

-- run_items --
INSERT INTO ml_health.run_item (run_id, series_id, outcome, reason, recorded_at)
SELECT run.id, series.id, CASE WHEN series.id %% 100 = 0 THEN 'failed' ELSE 'succeeded' END, NULL, run.slot
FROM ml_health.run CROSS JOIN ml_health.series
WHERE run.task IN ('ml_health_check', 'ml_retrain') AND run.slot > %(now)s - interval '30 days';

-- checks --
INSERT INTO ml_health.check_result (run_id, series_id, check_name, verdict, reason, checked_at)
SELECT run.id, series.id, name, CASE WHEN series.id %% 40 = 0 AND name IN ('lag', 'coverage') THEN 'warn' ELSE 'ok' END,
       'as it should be', run.slot
FROM ml_health.run CROSS JOIN ml_health.series
CROSS JOIN unnest(ARRAY['artifact', 'age', 'lag', 'coverage', 'flatline', 'out_of_range', 'unit_change', 'alarm_rate',
                        'latency', 'drift']) AS name
WHERE run.task = 'ml_health_check' AND run.slot > %(now)s - interval '14 days';

-- incidents --
INSERT INTO ml_health.incident
    (fingerprint, sequence, check_name, scope, severity, title, opened_at, updated_at, resolved_at, issue_number, issue_url)
SELECT 'f' || number, 1, 'drift', 'DEVICE', 'warning', 'Model degraded', %(now)s - interval '1 hour' * number, %(now)s,
       CASE WHEN number > 40 THEN %(now)s - interval '1 hour' * (number - 20) END, number,
       'https://example.org/issues/' || number
FROM generate_series(1, 500) AS number;

-- findings --
INSERT INTO ml_health.finding (check_name, series_id, sequence, severity, message, incident_id, opened_at, seen_at)
SELECT 'drift', series.id, 1, 'warning', 'its readings have drifted', (SELECT min(id) FROM ml_health.incident),
       %(now)s - interval '1 day', %(now)s
FROM ml_health.series
WHERE health = 'degraded';
