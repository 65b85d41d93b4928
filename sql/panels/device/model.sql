-- The series as it is now.
SELECT CASE WHEN health = 'broken' OR state = 'circuit_open' THEN 'failed'
            WHEN model_id IS NULL THEN state ELSE health END AS "Health",
       'v' || version AS "Version",
       (extract(epoch FROM $__timeTo()::timestamptz - trained_at) / 86400)::double precision AS "Age",
       scored_until AS "Scored until",
       coalesce(nullif(health_reasons, ''), state_reason) AS "Why"
FROM grafana.model_status
WHERE :series_chosen
