-- What was done to models, and why.
CREATE VIEW grafana.model_event AS
SELECT series.tenant_id,
       series.site,
       event.series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       event.happened_at AS "time",
       event.event,
       event.cause,
       event.reason,
       event.evidence,
       event.model_id,
       model.version,
       model.status AS model_status
FROM ml_health.model_event AS event
JOIN ml_health.series AS series ON series.id = event.series_id
LEFT JOIN public.ml_models AS model ON model.id = event.model_id;
