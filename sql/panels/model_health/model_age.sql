-- Models by their age in whole days; those past the age at which a model counts as stale in a column of their own.
WITH aged AS (
    SELECT extract(epoch FROM $__timeTo()::timestamptz - trained_at) / 86400 AS days
    FROM grafana.model_status
    WHERE model_id IS NOT NULL AND trained_at <= $__timeTo() AND :chosen
)
SELECT day::double precision AS "xMin",
       day + 1.0::double precision AS "xMax",
       count(days) FILTER (WHERE days < :stale_age_days) AS "fresh",
       count(days) FILTER (WHERE days >= :stale_age_days) AS "stale"
FROM (SELECT generate_series(0, max(floor(days))::integer) AS day FROM aged) AS axis
LEFT JOIN aged ON floor(days) = day
GROUP BY day
ORDER BY day
