-- Upper bound of the bucket that holds the 95th percentile of scoring calls, in milliseconds.
WITH running AS (
    SELECT low_ms, high_ms, sum(sum(calls)) OVER (ORDER BY low_ms) AS seen, sum(sum(calls)) OVER () AS total
    FROM grafana.latency_bucket
    WHERE $__timeFilter("time")
    GROUP BY low_ms, high_ms
)
SELECT $__timeTo()::timestamptz AS "time",
       min(coalesce(high_ms, 2 * low_ms))::double precision AS milliseconds
FROM running
WHERE total >= :min_calls AND seen >= total * 0.95
HAVING count(*) > 0
