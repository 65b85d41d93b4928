-- list_waiting --
-- What a channel has still to tell.
SELECT event.id, event.kind, series.tenant_id, series.device_id, series.metric_name, event.episode_id,
       episode.opened_at, event.happened_at, event.alarms, event.peak_score, event.peak_value, event.peak_at,
       event.written_at, event.device
FROM ml_health.alert_event AS event
JOIN ml_health.episode ON episode.id = event.episode_id
JOIN ml_health.series ON series.id = event.series_id
WHERE event.skipped_reason IS NULL AND event.written_at > %(written_after)s AND NOT EXISTS (
    SELECT FROM ml_health.alert_delivery AS delivery
    WHERE delivery.event_id = event.id AND delivery.channel = %(channel)s
)
ORDER BY event.id;

-- mark_delivered --
-- Told; telling it once more does no harm.
INSERT INTO ml_health.alert_delivery (event_id, channel, delivered_at)
SELECT event_id, %(channel)s, %(at)s FROM unnest(%(event_ids)s::bigint[]) AS event_id
ON CONFLICT DO NOTHING;
