-- One row a series with its active model, if it has one. Ages are left to the reader of the view, who knows
-- which moment is meant: a view has no clock.
CREATE VIEW grafana.model_status AS
SELECT series.tenant_id,
       series.site,
       series.id AS series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       series.state,
       series.state_reason,
       series.trainable_at,
       series.newest_reading_at,
       series.health,
       array_to_string(series.health_reasons, '; ') AS health_reasons,
       series.health_checked_at,
       series.muted_until,
       series.mute_reason,
       model.id AS model_id,
       model.version,
       model.model_type,
       model.trained_at,
       model.promoted_at,
       model.training_samples,
       model.target_alarm_rate,
       model.artifact_bytes,
       model.pinned,
       scoring.watermark AS scored_until,
       scoring.updated_at AS last_scored_at
FROM ml_health.series AS series
LEFT JOIN public.ml_models AS model ON model.series_id = series.id AND model.status = 'active'
LEFT JOIN ml_health.detector_state AS scoring ON scoring.series_id = series.id;
