-- list_events --
-- What was done to models.
SELECT series.device_id || ':' || series.metric_name, model.version, event.event, event.happened_at, event.cause, event.reason
FROM ml_health.model_event AS event
JOIN ml_health.series ON series.id = event.series_id
LEFT JOIN public.ml_models AS model ON model.id = event.model_id
WHERE event.happened_at > %(after)s AND event.happened_at <= %(until)s
ORDER BY event.id;

-- list_findings --
-- What was found, also what is mended.
SELECT series.device_id || ':' || series.metric_name, finding.check_name, finding.severity, finding.message,
       finding.opened_at, finding.resolved_at, incident.issue_url
FROM ml_health.finding
LEFT JOIN ml_health.series ON series.id = finding.series_id
LEFT JOIN ml_health.incident ON incident.id = finding.incident_id
WHERE finding.opened_at > %(after)s AND finding.opened_at <= %(until)s
ORDER BY finding.id;

-- tally_series --
-- Every series with what scoring found in it.
SELECT series.device_id || ':' || series.metric_name, series.state, series.health, model.version,
       coalesce(sum(activity.scored), 0)::bigint, coalesce(sum(activity.anomalies), 0)::bigint,
       coalesce(sum(activity.episodes), 0)::bigint
FROM ml_health.series
LEFT JOIN public.ml_models AS model ON model.series_id = series.id AND model.status = 'active'
LEFT JOIN ml_health.activity_hourly AS activity
    ON activity.series_id = series.id AND activity.hour > %(after)s AND activity.hour <= %(until)s
GROUP BY series.id, model.version
ORDER BY series.device_id, series.metric_name;

-- list_anomalies --
-- Flagged readings of one series, with the version that flagged them.
SELECT detection.timestamp, detection.value, model.version
FROM public.anomaly_detections AS detection
LEFT JOIN public.ml_models AS model ON model.id = detection.model_id
WHERE detection.series_id = %(series_id)s AND detection.is_anomaly
  AND detection.timestamp > %(after)s AND detection.timestamp <= %(until)s
ORDER BY detection.timestamp;

-- count_by_day --
-- What was done and found on each day, in the words of ml_core.domain.replay_count. An hour of scoring belongs to the
-- day it begins on; a check counts where it begins to fail.
WITH checked AS (
    SELECT checked_at, check_name, verdict,
           lag(verdict) OVER (PARTITION BY series_id, check_name ORDER BY checked_at) AS before
    FROM ml_health.check_result
), refused AS (
    SELECT event.happened_at, rule.answer ->> 'check' AS rule
    FROM ml_health.model_event AS event
    LEFT JOIN LATERAL jsonb_array_elements(event.evidence -> 'gate') AS rule (answer)
        ON NOT (rule.answer ->> 'passed')::boolean
    WHERE event.event = 'not_promoted'
), counted (at, measure, detail, number) AS (
    SELECT hour, 'readings scored', '', scored FROM ml_health.activity_hourly
    UNION ALL
    SELECT hour, 'readings flagged', '', anomalies FROM ml_health.activity_hourly
    UNION ALL
    SELECT opened_at, 'episodes opened', '', 1 FROM ml_health.episode
    UNION ALL
    SELECT happened_at, CASE WHEN skipped_reason IS NULL THEN 'alerts at an opening' ELSE 'alerts spared' END, '', 1
    FROM ml_health.alert_event WHERE kind = 'opened'
    UNION ALL
    SELECT event.happened_at,
           CASE WHEN model.cause = 'first' THEN 'first models' ELSE 'retrains promoted' END, '', 1
    FROM ml_health.model_event AS event
    JOIN public.ml_models AS model ON model.id = event.model_id
    WHERE event.event = 'promoted'
    UNION ALL
    SELECT happened_at, told.measure, '', 1
    FROM ml_health.model_event AS event
    JOIN (VALUES ('not_promoted', 'models refused'), ('shadowed', 'put on trial'), ('failed', 'trainings failed'),
                 ('rolled_back', 'rolled back')) AS told (event, measure) ON told.event = event.event
    UNION ALL
    SELECT happened_at, 'refused by', coalesce(rule, 'what came before the gate'), 1 FROM refused
    UNION ALL
    SELECT checked_at, CASE check_name WHEN 'drift' THEN 'called degraded' ELSE 'check failed' END,
           CASE check_name WHEN 'drift' THEN '' ELSE check_name END, 1
    FROM checked WHERE verdict = 'fail' AND before IS DISTINCT FROM 'fail'
    UNION ALL
    SELECT opened_at, 'incidents opened', '', 1 FROM ml_health.incident
    UNION ALL
    SELECT finished_at, CASE action WHEN 'comment' THEN 'issue comments' ELSE 'issues filed' END, '', 1
    FROM ml_health.outbox WHERE status = 'sent' AND action IN ('open', 'reopen', 'comment')
)
SELECT (at AT TIME ZONE 'UTC')::date, measure, detail, sum(number)::bigint
FROM counted
WHERE at >= date_trunc('hour', %(begin)s::timestamptz) AND at <= %(end)s
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;
