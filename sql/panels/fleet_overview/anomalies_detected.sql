-- Readings flagged as anomalies, by metric.
SELECT $__timeGroupAlias("time", $__interval),
       metric,
       sum(anomalies)::double precision AS anomalies
FROM grafana.fleet_hourly
WHERE $__timeFilter("time") AND :chosen
GROUP BY 1, metric
ORDER BY 1
