-- find --
-- One reading of the log with the latest verdict on it.
SELECT detection.id, detection."timestamp", detection.series_id, series.tenant_id, series.device_id,
       series.metric_name, coalesce(detection.is_anomaly, false), detection.value, detection.anomaly_score,
       detection.severity, detection.band_low, detection.band_high, detection.episode_id, said.verdict
FROM public.anomaly_detections AS detection
JOIN ml_health.series ON series.id = detection.series_id
LEFT JOIN LATERAL (
    SELECT verdict.verdict FROM ml_health.verdict
    WHERE verdict.detection_id = detection.id ORDER BY verdict.id DESC LIMIT 1
) AS said ON true
WHERE detection.id = %(detection_id)s
ORDER BY detection."timestamp" DESC
LIMIT 1;

-- list_episode --
-- The alarms of an episode; its own times leave other partitions unopened.
SELECT detection.id, detection."timestamp", detection.series_id, series.tenant_id, series.device_id,
       series.metric_name, detection.is_anomaly, detection.value, detection.anomaly_score,
       detection.severity, detection.band_low, detection.band_high, detection.episode_id, said.verdict
FROM ml_health.episode
JOIN public.anomaly_detections AS detection
  ON detection.series_id = episode.series_id AND detection.episode_id = episode.id AND detection.is_anomaly
 AND detection."timestamp" BETWEEN episode.opened_at AND episode.last_alarm_at
JOIN ml_health.series ON series.id = detection.series_id
LEFT JOIN LATERAL (
    SELECT verdict.verdict FROM ml_health.verdict
    WHERE verdict.detection_id = detection.id ORDER BY verdict.id DESC LIMIT 1
) AS said ON true
WHERE episode.id = %(episode_id)s
ORDER BY detection."timestamp";

-- list_flagged --
-- What was flagged, the newest first.
SELECT detection.id, detection."timestamp", detection.series_id, series.tenant_id, series.device_id,
       series.metric_name, detection.is_anomaly, detection.value, detection.anomaly_score,
       detection.severity, detection.band_low, detection.band_high, detection.episode_id, said.verdict
FROM public.anomaly_detections AS detection
JOIN ml_health.series ON series.id = detection.series_id
LEFT JOIN LATERAL (
    SELECT verdict.verdict FROM ml_health.verdict
    WHERE verdict.detection_id = detection.id ORDER BY verdict.id DESC LIMIT 1
) AS said ON true
WHERE detection.is_anomaly AND detection."timestamp" > %(after)s AND detection."timestamp" <= %(until)s
  AND (%(series_ids)s::bigint[] IS NULL OR detection.series_id = ANY (%(series_ids)s::bigint[]))
  AND NOT (%(unreviewed)s AND said.verdict IS NOT NULL)
ORDER BY detection."timestamp" DESC, detection.id
LIMIT %(limit)s;
