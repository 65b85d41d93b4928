-- Share of scored readings that were flagged, beside the share that the models' thresholds were set for.
SELECT $__timeGroupAlias("time", $__interval),
       sum(anomalies)::double precision / nullif(sum(scored), 0) AS "anomaly rate",
       sum(expected_alarms) / nullif(sum(scored), 0) AS "target"
FROM grafana.fleet_hourly
WHERE $__timeFilter("time") AND :chosen
GROUP BY 1
ORDER BY 1
