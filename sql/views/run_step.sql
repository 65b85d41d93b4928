-- What each run did to each series, and why. The run's own begin is `time`.
CREATE VIEW grafana.run_step AS
SELECT series.tenant_id,
       series.site,
       item.run_id,
       run.task,
       run.slot AS "time",
       item.series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       item.outcome,
       item.reason,
       item.recorded_at
FROM ml_health.run_item AS item
JOIN ml_health.run AS run ON run.id = item.run_id
JOIN ml_health.series AS series ON series.id = item.series_id;
