-- What was done to the series' models.
SELECT "time" AS "Time",
       replace(event, '_', ' ') AS "Event",
       'v' || version AS "Version",
       cause AS "Cause",
       reason AS "Reason"
FROM grafana.model_event
WHERE "time" <= $__timeTo() AND :series_chosen
ORDER BY "time" DESC
LIMIT 50
