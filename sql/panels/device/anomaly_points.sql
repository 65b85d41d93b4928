-- Flagged readings of the series, each as it was.
SELECT "timestamp" AS "time",
       value AS "anomaly"
FROM grafana.anomaly
WHERE $__timeFilter("timestamp") AND :series_chosen
ORDER BY 1
