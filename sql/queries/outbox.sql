-- list_waiting --
-- What may be said now, in the order in which it was to be said; what was refused before comes last, with all that
-- is to be said of the same incident, so that nothing old is said over what is new. Nothing at all while a message
-- that was tried waits for its time: what the tracker answered it, it would answer all, but for a refusal of what that
-- one says.
SELECT id, incident_id, action, payload, status, attempts, created_at
FROM ml_health.outbox
WHERE status IN ('pending', 'sending', 'parked') AND not_before <= %(now)s AND NOT EXISTS (
    SELECT FROM ml_health.outbox AS tried
    WHERE tried.status IN ('pending', 'sending', 'parked') AND tried.not_before > %(now)s AND tried.attempts > 0
      AND (tried.holds_others OR tried.status = 'sending')
)
ORDER BY bool_or(status = 'parked') OVER (PARTITION BY incident_id), id;

-- count --
-- Issues opened since then, those among them of which it is not known yet; and what the tracker refuses.
SELECT count(*) FILTER (
           WHERE action = 'open' AND ((status = 'sent' AND finished_at > %(since)s) OR status = 'sending')
       ),
       count(*) FILTER (WHERE status = 'parked')
FROM ml_health.outbox;

-- claim --
-- Committed before the call. Of several senders that read the same message, one gets it.
UPDATE ml_health.outbox
SET status = 'sending', sending_at = %(at)s, not_before = %(settled_at)s, attempts = attempts + 1
WHERE id = %(entry_id)s AND attempts = %(attempts)s AND status IN ('pending', 'sending', 'parked');

-- mark_sent --
UPDATE ml_health.outbox SET status = 'sent', finished_at = %(at)s, error = NULL WHERE id = %(entry_id)s;

-- record_issue --
-- What a call did to the incident's issue; empty values leave what is known.
UPDATE ml_health.incident
SET issue_number = coalesce(%(number)s, issue_number),
    issue_url = coalesce(%(url)s, issue_url),
    issue_status = coalesce(%(standing)s, issue_status),
    issue_closed_at = CASE %(standing)s
        WHEN 'closed' THEN coalesce(issue_closed_at, %(at)s::timestamptz) WHEN 'open' THEN NULL ELSE issue_closed_at
    END,
    last_comment_at = CASE WHEN %(commented)s THEN %(at)s::timestamptz ELSE last_comment_at END
WHERE id = %(incident_id)s;

-- give_way --
-- A newer waiting message of the same action says more: it waits in this one's place.
WITH newer AS (
    UPDATE ml_health.outbox AS newer
    SET status = %(status)s, not_before = %(until)s, attempts = old.attempts, error = %(error)s,
        holds_others = %(holds_others)s
    FROM ml_health.outbox AS old
    WHERE old.id = %(entry_id)s AND newer.incident_id = old.incident_id AND newer.action = old.action
      AND newer.status IN ('pending', 'parked') AND newer.id > old.id
    RETURNING newer.id
)
UPDATE ml_health.outbox
SET status = 'dropped', finished_at = %(at)s, error = 'replaced by a newer message'
WHERE id = %(entry_id)s AND EXISTS (SELECT FROM newer);

-- put_off --
-- Not before then, and why.
UPDATE ml_health.outbox
SET status = %(status)s, not_before = %(until)s, error = %(error)s, holds_others = %(holds_others)s
WHERE id = %(entry_id)s AND status IN ('pending', 'sending', 'parked');

-- drop --
UPDATE ml_health.outbox
SET status = 'dropped', finished_at = %(at)s, error = %(error)s
WHERE id = %(entry_id)s;

-- forget_issue --
-- The issue stands in a tracker that is not used any more: the next pass files a new one, which names the old.
UPDATE ml_health.incident
SET previous_issue_url = issue_url, issue_number = NULL, issue_url = NULL, issue_status = NULL,
    issue_closed_at = NULL, sent_digest = NULL
WHERE id = %(incident_id)s;
