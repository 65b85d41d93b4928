-- Seconds by which the newest scored reading is behind the newest one that arrived.
SELECT $__timeTo()::timestamptz AS "time",
       greatest(extract(epoch FROM max(newest_reading_at) - max(scored_until)), 0)::double precision AS seconds
FROM grafana.model_status
WHERE model_id IS NOT NULL
HAVING count(scored_until) > 0
