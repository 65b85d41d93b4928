-- Series with the most false alarms among their reviewed ones.
SELECT device AS "Device",
       metric AS "Metric",
       count(*) AS "Reviewed",
       count(*) FILTER (WHERE verdict = 'false_alarm') AS "False alarms",
       count(*) FILTER (WHERE verdict = 'confirmed')::double precision / count(*) AS "Precision"
FROM grafana.verdict
WHERE $__timeFilter("time") AND verdict IN ('confirmed', 'false_alarm') AND :chosen
GROUP BY tenant_id, device, metric
HAVING count(*) FILTER (WHERE verdict = 'false_alarm') > 0
ORDER BY count(*) FILTER (WHERE verdict = 'false_alarm') DESC, device, metric
LIMIT 50
