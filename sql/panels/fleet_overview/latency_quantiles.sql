-- Upper bound of the bucket that holds the 50th, 95th and 99th percentile of all scoring calls.
WITH bucket AS (
    SELECT low_ms, high_ms, sum(calls) AS calls
    FROM grafana.latency_bucket
    WHERE $__timeFilter("time")
      AND :chosen
    GROUP BY low_ms, high_ms
), running AS MATERIALIZED (
    SELECT low_ms, high_ms, sum(calls) OVER (ORDER BY low_ms) AS seen, sum(calls) OVER () AS total
    FROM bucket
)
SELECT 'p' || percentile.percent || CASE WHEN hit.high_ms IS NULL THEN ' over' ELSE ' up to' END AS label,
       coalesce(hit.high_ms, hit.low_ms) AS latency_ms
FROM (VALUES (50), (95), (99)) AS percentile (percent)
CROSS JOIN LATERAL (
    SELECT low_ms, high_ms
    FROM running
    WHERE total > 0 AND seen >= total * percentile.percent / 100.0
    ORDER BY low_ms
    LIMIT 1
) AS hit
ORDER BY percentile.percent
