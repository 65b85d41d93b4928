-- Flagged readings over those that the targets let expect; zero where there are too few to speak of.
SELECT $__timeTo()::timestamptz AS "time",
       CASE WHEN sum(anomalies) >= :min_anomalies THEN sum(anomalies) / nullif(sum(expected_alarms), 0) ELSE 0 END
           ::double precision AS ratio
FROM grafana.fleet_hourly
WHERE $__timeFilter("time")
HAVING sum(scored) > 0
