-- Alarms of the time range that nobody has reviewed, and those that somebody has.
SELECT count(*) FILTER (WHERE verdict IS NULL) AS "To review",
       count(*) FILTER (WHERE verdict = 'confirmed') AS "Confirmed",
       count(*) FILTER (WHERE verdict = 'false_alarm') AS "False alarms"
FROM grafana.anomaly
WHERE $__timeFilter("timestamp") AND :chosen
HAVING count(*) > 0
