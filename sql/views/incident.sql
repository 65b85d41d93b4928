-- Findings of one cause and the issue that stands for them. An incident has a tenant where all its findings are
-- of one; else it belongs to the site.
CREATE VIEW grafana.incident AS
SELECT (
           SELECT CASE WHEN count(DISTINCT series.tenant_id) = 1 THEN (array_agg(series.tenant_id))[1] END
           FROM ml_health.finding AS finding
           JOIN ml_health.series AS series ON series.id = finding.series_id
           WHERE finding.incident_id = incident.id
       ) AS tenant_id,
       incident.id AS incident_id,
       incident.sequence,
       incident.check_name,
       incident.scope,
       incident.severity,
       incident.title,
       incident.opened_at,
       incident.updated_at,
       incident.resolved_at,
       incident.occurrences,
       incident.issue_number,
       incident.issue_url,
       incident.issue_status,
       incident.issue_closed_at
FROM ml_health.incident AS incident;
