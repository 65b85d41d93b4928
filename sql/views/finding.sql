-- What is wrong, or was: a row a (check, series), with the issue that stands for it.
-- Findings about the fleet itself belong to no series, and so to no tenant.
CREATE VIEW grafana.finding AS
SELECT series.tenant_id,
       series.site,
       finding.series_id,
       series.device_id AS device,
       series.metric_name AS metric,
       finding.id AS finding_id,
       finding.check_name,
       finding.severity,
       finding.message,
       finding.value,
       finding.threshold,
       finding.opened_at,
       finding.seen_at,
       finding.occurrences,
       finding.resolved_at,
       finding.incident_id,
       incident.issue_number,
       incident.issue_url
FROM ml_health.finding AS finding
LEFT JOIN ml_health.series AS series ON series.id = finding.series_id
LEFT JOIN ml_health.incident AS incident ON incident.id = finding.incident_id;
