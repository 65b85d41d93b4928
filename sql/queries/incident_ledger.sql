-- list_open --
-- Incidents that are not resolved, the oldest first.
SELECT * FROM ml_health.incident WHERE resolved_at IS NULL ORDER BY opened_at, id;

-- get --
SELECT * FROM ml_health.incident WHERE id = %(incident_id)s;

-- latest --
-- The newest incident of a cause.
SELECT * FROM ml_health.incident WHERE fingerprint = %(fingerprint)s ORDER BY sequence DESC LIMIT 1;

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
UPDATE ml_health.incident
SET severity = %(severity)s, title = %(title)s, updated_at = %(updated_at)s, occurrences = %(occurrences)s,
    resolved_at = %(resolved_at)s, sent_digest = %(sent_digest)s, last_comment_at = %(last_comment_at)s
WHERE id = %(incident_id)s
RETURNING id;

-- tie_findings --
UPDATE ml_health.finding SET incident_id = %(incident_id)s WHERE id = ANY(%(finding_ids)s);

-- enqueue --
-- What was not said yet is said once, as it is now.
INSERT INTO ml_health.outbox (incident_id, action, payload, not_before, created_at)
VALUES (%(incident_id)s, %(action)s, %(payload)s, %(at)s, %(at)s)
ON CONFLICT (incident_id, action) WHERE status = 'pending' DO UPDATE SET payload = excluded.payload;

-- count_healthy_runs --
-- Daily checks since the last finding was resolved; the run that resolved it began at that moment.
SELECT count(*)
FROM ml_health.run
WHERE task = 'ml_health_check' AND outcome IN ('succeeded', 'partial') AND started_at >= (
    SELECT max(resolved_at) FROM ml_health.finding WHERE incident_id = %(incident_id)s
);

-- list_waiting --
-- What may be sent now, and what was being sent when somebody died; in the order in which it was said.
SELECT id, incident_id, action, payload, status, attempts, created_at, sending_at
FROM ml_health.outbox
WHERE (status = 'pending' AND not_before <= %(now)s) OR status = 'sending'
ORDER BY id;

-- count_opened --
SELECT count(*) FROM ml_health.outbox WHERE action = 'open' AND status = 'sent' AND finished_at > %(since)s;

-- mark_sending --
UPDATE ml_health.outbox SET status = 'sending', sending_at = %(at)s, attempts = attempts + 1 WHERE id = %(entry_id)s;

-- mark_sent --
UPDATE ml_health.outbox SET status = 'sent', finished_at = %(at)s, error = NULL WHERE id = %(entry_id)s;

-- record_issue --
-- What a call did to the incident's issue; empty values leave what is known.
UPDATE ml_health.incident
SET issue_number = coalesce(%(number)s, issue_number),
    issue_url = coalesce(%(url)s, issue_url),
    issue_status = coalesce(%(standing)s, issue_status),
    issue_closed_at = CASE %(standing)s WHEN 'closed' THEN %(at)s::timestamptz WHEN 'open' THEN NULL ELSE issue_closed_at END
WHERE id = %(incident_id)s;

-- merge_put_off --
-- A newer pending message of the same action says more: the older one is dropped.
UPDATE ml_health.outbox AS old
SET status = 'dropped', finished_at = %(at)s, error = 'replaced by a newer message'
WHERE old.id = %(entry_id)s AND EXISTS (
    SELECT FROM ml_health.outbox AS newer
    WHERE newer.incident_id = old.incident_id AND newer.action = old.action AND newer.status = 'pending'
      AND newer.id <> old.id
);

-- put_off --
UPDATE ml_health.outbox
SET status = 'pending', not_before = %(until)s, error = %(error)s, sending_at = NULL
WHERE id = %(entry_id)s AND status IN ('pending', 'sending');

-- end --
UPDATE ml_health.outbox SET status = %(status)s, finished_at = %(at)s, error = %(error)s WHERE id = %(entry_id)s;
