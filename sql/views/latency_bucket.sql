-- Scoring calls by how long they took: a row a series, hour and bucket, low_ms < latency <= high_ms.
-- The bounds are those of ml_core.domain.rollup.LATENCY_BOUNDS_MS (held equal by a test); the last bucket is open.
CREATE VIEW grafana.latency_bucket AS
SELECT series.tenant_id,
       activity.series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       activity.hour AS "time",
       bucket.low_ms,
       bucket.high_ms,
       bucket.calls
FROM ml_health.activity_hourly AS activity
JOIN ml_health.series AS series ON series.id = activity.series_id
CROSS JOIN LATERAL unnest(
    ARRAY[0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]::double precision[],
    ARRAY[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, NULL]::double precision[],
    activity.latency_buckets
) AS bucket (low_ms, high_ms, calls);
