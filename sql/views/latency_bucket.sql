-- Scoring calls by how long they took: a row a site, metric, hour and bucket, low_ms < latency <= high_ms.
-- The bounds are those of ml_core.domain.scoring.rollup.LATENCY_BOUNDS_MS (held equal by a test); the last bucket is open.
CREATE VIEW grafana.latency_bucket AS
SELECT fleet.tenant_id,
       fleet.site,
       fleet.metric_name AS metric,
       fleet.hour AS "time",
       bucket.low_ms,
       bucket.high_ms,
       bucket.calls
FROM ml_health.fleet_hourly AS fleet
CROSS JOIN LATERAL unnest(
    ARRAY[0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]::double precision[],
    ARRAY[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, NULL]::double precision[],
    fleet.latency_buckets
) AS bucket (low_ms, high_ms, calls);
