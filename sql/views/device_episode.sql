-- Overlapping episodes of a device's metrics as one, with what those metrics say of it together. `evidence` holds what
-- moved and what usually agrees, with figures.
CREATE VIEW grafana.device_episode AS
SELECT device_episode.tenant_id,
       site.site,
       device_episode.device_id AS device,
       device_episode.id AS device_episode_id,
       device_episode.opened_at AS "time",
       device_episode.last_alarm_at,
       device_episode.closed_at,
       device_episode.alarms,
       device_episode.metrics,
       device_episode.judgement,
       device_episode.suspect,
       device_episode.words,
       device_episode.evidence
FROM ml_health.device_episode AS device_episode
LEFT JOIN LATERAL (
    SELECT series.site
    FROM ml_health.series AS series
    WHERE series.tenant_id = device_episode.tenant_id AND series.device_id = device_episode.device_id
    LIMIT 1
) AS site ON true;
