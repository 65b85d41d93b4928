-- Every check of every run, and what it rests on.
CREATE VIEW grafana.check_result AS
SELECT series.tenant_id,
       series.site,
       result.series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       result.checked_at AS "time",
       result.run_id,
       result.check_name,
       result.verdict,
       result.value,
       result.threshold,
       result.reason,
       result.evidence
FROM ml_health.check_result AS result
JOIN ml_health.series AS series ON series.id = result.series_id;
