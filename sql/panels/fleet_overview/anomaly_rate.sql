-- Share of scored readings that were flagged, beside the share that the active models' thresholds were set for.
SELECT $__timeGroupAlias("time", $__interval),
       sum(anomalies)::double precision / nullif(sum(scored), 0) AS "anomaly rate",
       sum(scored * target_alarm_rate) / nullif(sum(scored) FILTER (WHERE target_alarm_rate IS NOT NULL), 0) AS "target"
FROM (
    SELECT "time", series_id, scored, anomalies
    FROM grafana.activity_hourly
    WHERE $__timeFilter("time")
      AND tenant_id::text IN (${tenant:sqlstring}) AND metric IN (${metric:sqlstring}) AND device IN (${device:sqlstring})
) AS activity
LEFT JOIN (SELECT series_id, target_alarm_rate FROM grafana.model_status) AS model USING (series_id)
GROUP BY 1
ORDER BY 1
