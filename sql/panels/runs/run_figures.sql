-- What the chosen run told of itself.
SELECT replace(name, '_', ' ') AS "Figure",
       figure AS "Value"
FROM grafana.run_count
WHERE run_id IN (
    SELECT run_id FROM grafana.run WHERE $__timeFilter(slot) AND run_id::text IN (${run:sqlstring})
)
ORDER BY name
