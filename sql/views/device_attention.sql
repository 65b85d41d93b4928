-- Series with a model that is not well, with the issue of its gravest finding. Which of them are muted now is the reader's
-- to say: a view has no clock.
CREATE VIEW grafana.device_attention AS
SELECT status.tenant_id,
       status.site,
       status.series_id,
       status.device,
       status.metric,
       CASE WHEN status.health = 'broken' OR status.state = 'circuit_open' THEN 'failed' ELSE status.health END AS health,
       CASE WHEN status.state = 'circuit_open' THEN status.state_reason ELSE status.health_reasons END AS reason,
       status.trained_at,
       status.muted_until,
       told.opened_at,
       told.issue_url
FROM grafana.model_status AS status
LEFT JOIN (
    SELECT finding.series_id,
           min(finding.opened_at) AS opened_at,
           (array_agg(incident.issue_url ORDER BY array_position(ARRAY['critical', 'warning'], finding.severity), finding.opened_at)
               FILTER (WHERE incident.issue_url IS NOT NULL))[1] AS issue_url
    FROM ml_health.finding AS finding
    LEFT JOIN ml_health.incident AS incident ON incident.id = finding.incident_id
    WHERE finding.resolved_at IS NULL
    GROUP BY finding.series_id
) AS told USING (series_id)
WHERE status.health IN ('broken', 'degraded', 'no_data', 'stale') OR status.state = 'circuit_open';
