-- Of the series that ought to have a model by the end of the time range, the share that has one.
SELECT count(model_id) || ' of ' || count(*) || ' expected' AS label,
       count(model_id)::double precision / count(*) AS share
FROM grafana.model_status
WHERE (model_id IS NOT NULL OR state IN ('modelled', 'circuit_open') OR trainable_at <= $__timeTo())
  AND state <> 'unmodellable'
  AND :chosen
HAVING count(*) > 0
