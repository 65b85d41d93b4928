-- series --
-- Series by state, and modelled ones by health.
SELECT state, CASE WHEN state = 'modelled' THEN health END AS health, count(*)::bigint
FROM ml_health.series
GROUP BY 1, 2;

-- facts --
-- Single figures about series and models.
SELECT
    (SELECT count(DISTINCT (tenant_id, device_id)) FROM ml_health.series),
    (SELECT count(*) FROM ml_health.series WHERE muted_until > %(now)s),
    (SELECT min(trained_at) FROM public.ml_models WHERE status = 'active'),
    (SELECT min(trainable_at) FROM ml_health.series WHERE state = 'collecting'),
    (SELECT max(watermark) FROM ml_health.detector_state),
    (SELECT count(*) FROM ml_health.episode WHERE closed_at IS NULL),
    (SELECT count(*) FROM ml_health.incident WHERE resolved_at IS NULL);

-- activity --
-- What scoring did since a moment, and how many alarms the models' targets let expect.
SELECT coalesce(sum(activity.scored), 0)::bigint, coalesce(sum(activity.anomalies), 0)::bigint,
       sum(activity.scored * model.target_alarm_rate)
FROM ml_health.activity_hourly AS activity
LEFT JOIN public.ml_models AS model ON model.series_id = activity.series_id AND model.status = 'active'
WHERE activity.hour > %(since)s AND activity.hour <= %(now)s;

-- latency --
-- Calls by latency bucket since a moment.
SELECT bucket.position, sum(bucket.calls)::bigint
FROM ml_health.activity_hourly AS activity
CROSS JOIN LATERAL unnest(activity.latency_buckets) WITH ORDINALITY AS bucket (calls, position)
WHERE activity.hour > %(since)s AND activity.hour <= %(now)s
GROUP BY bucket.position
ORDER BY bucket.position;

-- findings --
-- Open findings that are not muted, by severity.
SELECT finding.severity, count(*)::bigint
FROM ml_health.finding
LEFT JOIN ml_health.series ON series.id = finding.series_id
WHERE finding.resolved_at IS NULL AND coalesce(series.muted_until <= %(now)s, true)
GROUP BY finding.severity;

-- top_findings --
-- The gravest and oldest of them, in words.
SELECT coalesce(series.device_id || ':' || series.metric_name || ' ', '') || finding.check_name || ': ' || finding.message
FROM ml_health.finding
LEFT JOIN ml_health.series ON series.id = finding.series_id
WHERE finding.resolved_at IS NULL AND coalesce(series.muted_until <= %(now)s, true)
ORDER BY finding.severity, finding.opened_at, finding.id
LIMIT 3;

-- outbox --
-- What is still to be told to the issue tracker.
SELECT status, count(*)::bigint FROM ml_health.outbox WHERE status IN ('pending', 'sending', 'parked') GROUP BY status;

-- runs --
-- The newest run of each task.
SELECT DISTINCT ON (task) task, slot, outcome FROM ml_health.run ORDER BY task, slot DESC;
