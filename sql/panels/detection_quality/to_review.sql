-- Alarms that nobody has reviewed, the most severe first.
SELECT "timestamp" AS "Time",
       device AS "Device",
       metric AS "Metric",
       value AS "Value",
       band_low AS "Expected from",
       band_high AS "Expected to",
       severity AS "Severity",
       tenant_id::text AS "Tenant"
FROM grafana.anomaly
WHERE $__timeFilter("timestamp") AND verdict IS NULL AND :chosen
ORDER BY severity DESC NULLS LAST, "timestamp" DESC
LIMIT 100
