-- Readings flagged as anomalies, by metric.
SELECT $__timeGroupAlias("time", $__interval),
       metric,
       sum(anomalies)::double precision AS anomalies
FROM grafana.activity_hourly
WHERE $__timeFilter("time")
  AND tenant_id::text IN (${tenant:sqlstring}) AND metric IN (${metric:sqlstring}) AND device IN (${device:sqlstring})
GROUP BY 1, metric
ORDER BY 1
