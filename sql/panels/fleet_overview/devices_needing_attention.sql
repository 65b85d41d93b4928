-- Devices with a model that is not well and not muted, the worst first.
SELECT device AS "Device",
       (array_agg(health ORDER BY array_position(ARRAY['failed', 'degraded', 'no_data', 'stale'], health)))[1] AS "Health",
       string_agg(DISTINCT metric, ', ') AS "Metrics",
       string_agg(metric || ': ' || nullif(reason, ''), '; ' ORDER BY metric) AS "Why",
       (extract(epoch FROM $__timeTo()::timestamptz - min(trained_at)) / 86400)::double precision AS "Oldest model",
       min(opened_at) AS "Since",
       (array_agg(issue_url ORDER BY array_position(ARRAY['failed', 'degraded', 'no_data', 'stale'], health), opened_at)
           FILTER (WHERE issue_url IS NOT NULL))[1] AS "Issue",
       tenant_id::text AS "Tenant"
FROM grafana.device_attention
WHERE (muted_until IS NULL OR muted_until <= $__timeTo()) AND :chosen
GROUP BY tenant_id, device
ORDER BY min(array_position(ARRAY['failed', 'degraded', 'no_data', 'stale'], health)), min(opened_at), device
LIMIT 100
