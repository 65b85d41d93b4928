-- Consecutive anomalies as one: when it began, when it ended (open ones have no end), and how bad it was.
CREATE VIEW grafana.episode AS
SELECT series.tenant_id,
       series.site,
       episode.series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       episode.id AS episode_id,
       episode.opened_at AS "time",
       episode.last_alarm_at,
       episode.closed_at,
       episode.alarms,
       episode.peak_score,
       episode.peak_value,
       episode.peak_at
FROM ml_health.episode AS episode
JOIN ml_health.series AS series ON series.id = episode.series_id;
