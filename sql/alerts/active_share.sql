-- Share of series that ought to have a model and have one.
SELECT $__timeTo()::timestamptz AS "time",
       count(model_id)::double precision / count(*) AS share
FROM grafana.model_status
WHERE (model_id IS NOT NULL OR state IN ('modelled', 'circuit_open') OR trainable_at <= $__timeTo())
  AND state <> 'unmodellable'
HAVING count(*) > 0
