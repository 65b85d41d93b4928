-- What operators say of detections now: the newest verdict of each, on alarms and on audited unflagged readings.
-- Reviews are made by people, so this stays small; it is read as a whole and hashed, never looked up row by row.
-- `weight` is the number of unflagged readings that an audited hour stands for: its readings over the probability with
-- which it was drawn. Alarms of one episode are one `review`. What people report of their own accord has none: it was not met by chance and enters no rate.
CREATE VIEW grafana.verdict AS
SELECT series.tenant_id,
       series.site,
       current.series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       current.detection_id,
       current.detection_timestamp AS "time",
       current.verdict,
       current.given_by,
       current.given_at,
       current.note,
       current.episode_id,
       current.window_until,
       sample.readings / sample.probability AS weight,
       coalesce(current.episode_id::text, current.detection_id::text) AS review
FROM (
    SELECT DISTINCT ON (detection_id, detection_timestamp) *
    FROM ml_health.verdict
    ORDER BY detection_id, detection_timestamp, id DESC
) AS current
JOIN ml_health.series AS series ON series.id = current.series_id
LEFT JOIN ml_health.audit_sample AS sample ON sample.id = current.detection_id;
