-- Flagged readings with what an operator says of each now. The raw timestamp is exposed, so that a time filter
-- reaches the partitions and their index on flagged rows. `reason` is the detector's own, as it gave it.
CREATE VIEW grafana.anomaly AS
SELECT detection.tenant_id,
       series.site,
       detection.series_id,
       detection.device_id AS device,
       detection.metric_name AS metric,
       detection."timestamp",
       detection.id AS detection_id,
       detection.model_id,
       detection.value,
       detection.anomaly_score,
       detection.confidence,
       detection.severity,
       detection.band_low,
       detection.band_high,
       detection.metadata AS reason,
       detection.episode_id,
       detection.detected_at,
       verdict.verdict,
       verdict.given_at AS verdict_at
FROM public.anomaly_detections AS detection
LEFT JOIN ml_health.series AS series ON series.id = detection.series_id
LEFT JOIN grafana.verdict
       ON verdict.detection_id = detection.id AND verdict."time" = detection."timestamp"
WHERE detection.is_anomaly;
