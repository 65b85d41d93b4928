-- Devices with a model that is not well and not muted, the worst first.
WITH sick AS (
    SELECT tenant_id, series_id, device, metric, trained_at,
           CASE WHEN health = 'broken' OR state = 'circuit_open' THEN 'failed' ELSE health END AS health,
           CASE WHEN state = 'circuit_open' THEN state_reason ELSE health_reasons END AS reasons
    FROM grafana.model_status
    WHERE (health IN ('broken', 'degraded', 'no_data', 'stale') OR state = 'circuit_open')
      AND (muted_until IS NULL OR muted_until <= $__timeTo())
      AND tenant_id::text IN (${tenant:sqlstring}) AND metric IN (${metric:sqlstring}) AND device IN (${device:sqlstring})
), told AS (
    SELECT series_id, min(opened_at) AS since, max(issue_url) AS issue
    FROM grafana.finding
    WHERE resolved_at IS NULL
    GROUP BY series_id
)
SELECT device AS "Device",
       (array_agg(health ORDER BY array_position(ARRAY['failed', 'degraded', 'no_data', 'stale'], health)))[1] AS "Health",
       string_agg(DISTINCT metric, ', ') AS "Metrics",
       string_agg(DISTINCT nullif(reasons, ''), '; ') AS "Why",
       (extract(epoch FROM $__timeTo()::timestamptz - min(trained_at)) / 86400)::double precision AS "Oldest model",
       min(since) AS "Since",
       max(issue) AS "Issue"
FROM sick
LEFT JOIN told USING (series_id)
GROUP BY tenant_id, device
ORDER BY min(array_position(ARRAY['failed', 'degraded', 'no_data', 'stale'], health)), min(since), device
LIMIT 100
