-- Every version of every series' model. Where the detector tells the expected band as two figures of the model, they are
-- here; one that moves with the readings is told by each anomaly.
CREATE VIEW grafana.model_version AS
SELECT series.tenant_id,
       series.site,
       model.series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       model.id AS model_id,
       model.version,
       model.status,
       model.model_type,
       model.cause,
       model.outcome_reason,
       model.created_at,
       model.trained_at,
       model.promoted_at,
       model.retired_at,
       model.training_from,
       model.training_to,
       model.training_samples,
       model.training_ms,
       model.target_alarm_rate,
       CASE WHEN model.artifact_purged_at IS NULL THEN model.artifact_bytes END AS artifact_bytes,
       model.artifact_purged_at,
       (model.metadata ->> 'band_low')::double precision AS band_low,
       (model.metadata ->> 'band_high')::double precision AS band_high
FROM public.ml_models AS model
JOIN ml_health.series AS series ON series.id = model.series_id;
