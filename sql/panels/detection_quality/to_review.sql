-- Alarms that nobody has reviewed, the most severe first, each with what `ml-health verdict` is to be told of: its
-- episode, or itself where it is part of none.
SELECT "timestamp" AS "Time",
       device AS "Device",
       metric AS "Metric",
       value AS "Value",
       band_low AS "Expected from",
       band_high AS "Expected to",
       severity AS "Severity",
       coalesce(episode_id::text, detection_id::text) AS "Subject",
       tenant_id::text AS "Tenant"
FROM grafana.anomaly
WHERE $__timeFilter("timestamp") AND verdict IS NULL AND :chosen
ORDER BY severity DESC NULLS LAST, "timestamp" DESC
LIMIT 100
