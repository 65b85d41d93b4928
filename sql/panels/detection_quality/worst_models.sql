-- Series with the most false alarms among their reviewed ones; no precision below the least number of reviews.
SELECT device AS "Device",
       metric AS "Metric",
       count(DISTINCT review) AS "Reviews",
       count(*) FILTER (WHERE verdict = 'false_alarm') AS "False alarms",
       CASE WHEN count(DISTINCT review) >= :min_verdicts
            THEN count(*) FILTER (WHERE verdict = 'confirmed')::double precision / count(*) END AS "Precision",
       tenant_id::text AS "Tenant"
FROM grafana.verdict
WHERE $__timeFilter("time") AND verdict IN ('confirmed', 'false_alarm') AND :chosen
GROUP BY tenant_id, device, metric
HAVING count(*) FILTER (WHERE verdict = 'false_alarm') > 0
ORDER BY count(*) FILTER (WHERE verdict = 'false_alarm') DESC, device, metric
LIMIT 50
