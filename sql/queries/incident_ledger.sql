-- list_open --
-- Incidents that are not resolved, the oldest first.
SELECT * FROM ml_health.incident WHERE resolved_at IS NULL ORDER BY opened_at, id;

-- get --
-- One incident.
SELECT * FROM ml_health.incident WHERE id = %(incident_id)s;

-- list_latest --
-- The newest incident of each cause, open or resolved.
SELECT DISTINCT ON (fingerprint) *
FROM ml_health.incident WHERE fingerprint = ANY (%(fingerprints)s)
ORDER BY fingerprint, sequence DESC;

-- insert --
INSERT INTO ml_health.incident (
    fingerprint, sequence, check_name, scope, severity, title, opened_at, updated_at, occurrences,
    sent_digest, last_comment_at, previous_issue_url
) VALUES (
    %(fingerprint)s, %(sequence)s, %(check)s, %(scope)s, %(severity)s, %(title)s, %(opened_at)s, %(updated_at)s,
    %(occurrences)s, %(sent_digest)s, %(last_comment_at)s, %(previous_issue_url)s
)
RETURNING id;

-- update --
-- What became of its issue is the sender's to write.
UPDATE ml_health.incident
SET severity = %(severity)s, title = %(title)s, updated_at = %(updated_at)s, occurrences = %(occurrences)s,
    resolved_at = %(resolved_at)s, sent_digest = %(sent_digest)s, last_comment_at = %(last_comment_at)s
WHERE id = %(incident_id)s
RETURNING id;

-- tie_findings --
UPDATE ml_health.finding SET incident_id = %(incident_id)s WHERE id = ANY (%(finding_ids)s);

-- withdraw --
-- What is not true any more and was not said yet.
UPDATE ml_health.outbox
SET status = 'dropped', finished_at = %(at)s, error = 'no longer true'
WHERE incident_id = %(incident_id)s AND action = ANY (%(actions)s) AND status IN ('pending', 'parked');

-- enqueue --
-- What was not said yet is said once, as it is now.
INSERT INTO ml_health.outbox (incident_id, action, payload, not_before, created_at)
VALUES (%(incident_id)s, %(action)s, %(payload)s, %(at)s, %(at)s)
ON CONFLICT (incident_id, action) WHERE status IN ('pending', 'parked') DO UPDATE SET payload = excluded.payload;

-- count_healthy_runs --
-- Daily checks of the fleet since the last finding was resolved; the run that resolved it began at that moment.
SELECT count(*)
FROM ml_health.run
WHERE task = 'ml_health_check' AND outcome IN ('succeeded', 'partial') AND NOT params ? 'series'
  AND started_at >= (SELECT max(resolved_at) FROM ml_health.finding WHERE incident_id = %(incident_id)s);

-- list_attempts --
-- What was done to models of these series since then, in order.
SELECT series_id, happened_at, event, reason
FROM ml_health.model_event
WHERE series_id = ANY (%(series_ids)s) AND happened_at >= %(since)s AND event NOT IN ('pinned', 'unpinned', 'purged')
ORDER BY happened_at, id;
