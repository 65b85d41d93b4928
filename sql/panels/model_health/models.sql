-- Every model, the worst first; what its alarms were over the time range beside what its target lets expect.
WITH model AS (
    SELECT tenant_id, series_id, device, metric, site, version, trained_at, last_scored_at, target_alarm_rate, health_reasons,
           CASE WHEN health = 'broken' OR state = 'circuit_open' THEN 'failed' ELSE health END AS health
    FROM grafana.model_status
    WHERE model_id IS NOT NULL AND :chosen
    ORDER BY array_position(ARRAY['broken', 'degraded', 'no_data', 'stale', 'unknown', 'healthy'], health), trained_at
    LIMIT 200
)
SELECT device AS "Device",
       metric AS "Metric",
       site AS "Site",
       health AS "Health",
       health_reasons AS "Why",
       'v' || version AS "Version",
       (extract(epoch FROM $__timeTo()::timestamptz - trained_at) / 86400)::double precision AS "Age",
       last_scored_at AS "Last scored",
       scored.anomalies::double precision / nullif(scored.readings * target_alarm_rate, 0) AS "Alarms over target",
       issue.url AS "Issue",
       tenant_id::text AS "Tenant"
FROM model
CROSS JOIN LATERAL (
    SELECT sum(activity.scored) AS readings, sum(activity.anomalies) AS anomalies
    FROM grafana.activity_hourly AS activity
    WHERE activity.series_id = model.series_id AND $__timeFilter(activity."time")
) AS scored
LEFT JOIN LATERAL (
    SELECT issue_url AS url FROM grafana.finding
    WHERE finding.series_id = model.series_id AND finding.resolved_at IS NULL AND issue_url IS NOT NULL
    ORDER BY array_position(ARRAY['critical', 'warning'], severity), opened_at
    LIMIT 1
) AS issue ON true
ORDER BY array_position(ARRAY['failed', 'degraded', 'no_data', 'stale', 'unknown', 'healthy'], health), trained_at
