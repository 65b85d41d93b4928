-- What is wrong and not yet resolved, the gravest and oldest first. What belongs to no one tenant is everybody's.
SELECT severity AS "Severity",
       incident_id AS "Number",
       title AS "Incident",
       check_name AS "Check",
       (extract(epoch FROM $__timeTo()::timestamptz - opened_at) / 3600)::double precision AS "Age",
       occurrences AS "Occurrences",
       issue_url AS "Issue"
FROM grafana.incident
WHERE opened_at <= $__timeTo() AND (resolved_at IS NULL OR resolved_at > $__timeTo())
  AND :tenant_or_site
ORDER BY severity, opened_at
LIMIT 100
