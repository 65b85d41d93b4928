-- Flagged readings of the series, the newest first.
SELECT "timestamp" AS "Time",
       value AS "Value",
       band_low AS "Expected from",
       band_high AS "Expected to",
       anomaly_score AS "Score",
       severity AS "Severity",
       coalesce(verdict, 'unreviewed') AS "Verdict",
       detection_id::text AS "Detection"
FROM grafana.anomaly
WHERE $__timeFilter("timestamp") AND :series_chosen
ORDER BY "timestamp" DESC
LIMIT 200
