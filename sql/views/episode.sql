-- Consecutive anomalies as one: when it began, when it ended (open ones have no end), and how bad it was. Where it is
-- told with other metrics of its device: whether the machine or a sensor is suspected, and why.
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
       episode.peak_at,
       episode.device_episode_id,
       device_episode.judgement AS device_judgement,
       device_episode.suspect AS device_suspect,
       device_episode.words AS device_words
FROM ml_health.episode AS episode
JOIN ml_health.series AS series ON series.id = episode.series_id
LEFT JOIN ml_health.device_episode AS device_episode ON device_episode.id = episode.device_episode_id;
