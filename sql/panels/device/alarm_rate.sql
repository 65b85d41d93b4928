-- How many readings were flagged, beside what the target of the serving model lets expect.
SELECT $__timeGroupAlias("time", $__interval),
       sum(anomalies)::double precision AS "anomalies",
       sum(scored * (SELECT max(target_alarm_rate) FROM grafana.model_status WHERE :series_chosen))::double precision AS "expected"
FROM grafana.activity_hourly
WHERE $__timeFilter("time") AND :series_chosen
GROUP BY 1
ORDER BY 1
