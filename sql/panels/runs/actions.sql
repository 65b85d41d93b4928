-- What was done to models, by kind and cause.
SELECT replace(event, '_', ' ') || coalesce(' (' || cause || ')', '') AS "Action",
       count(*) AS "models"
FROM grafana.model_event
WHERE $__timeFilter("time") AND :chosen
GROUP BY event, cause
ORDER BY count(*) DESC, 1
LIMIT 15
