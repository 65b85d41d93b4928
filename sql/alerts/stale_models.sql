-- Models that are older than retraining would leave them.
SELECT $__timeTo()::timestamptz AS "time",
       count(*) FILTER (WHERE trained_at < $__timeTo()::timestamptz - interval ':days days')::double precision AS models
FROM grafana.model_status
WHERE model_id IS NOT NULL AND (muted_until IS NULL OR muted_until <= $__timeTo())
