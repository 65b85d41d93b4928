-- What scoring did, a row a series and hour; `time` is the hour's begin. Over a whole fleet read fleet_hourly instead.
CREATE VIEW grafana.activity_hourly AS
SELECT series.tenant_id,
       series.site,
       activity.series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       activity.hour AS "time",
       activity.scored,
       activity.anomalies,
       activity.episodes,
       activity.late,
       activity.dropped,
       activity.out_of_range,
       activity.calls,
       activity.latency_ms_sum
FROM ml_health.activity_hourly AS activity
JOIN ml_health.series AS series ON series.id = activity.series_id;
