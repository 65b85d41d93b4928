-- Scoring calls by latency. The axis is logarithmic, so the first bucket (from 0) begins at half of its end, and the
-- last one, which is open, ends at twice its begin.
SELECT CASE WHEN low_ms = 0 THEN high_ms / 2 ELSE low_ms END AS "xMin",
       coalesce(high_ms, low_ms * 2) AS "xMax",
       calls AS "scoring calls"
FROM (
    SELECT low_ms, high_ms, sum(calls)::bigint AS calls, sum(sum(calls)) OVER () AS total
    FROM grafana.latency_bucket
    WHERE $__timeFilter("time")
      AND :chosen
    GROUP BY low_ms, high_ms
) AS bucket
WHERE total > 0
ORDER BY low_ms
