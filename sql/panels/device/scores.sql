-- Scores of flagged readings; below zero is an anomaly.
SELECT "timestamp" AS "time",
       anomaly_score AS "score"
FROM grafana.anomaly
WHERE $__timeFilter("timestamp") AND :series_chosen
ORDER BY 1
