-- add --
-- One entry.
INSERT INTO ml_health.quiet_time (kind, tenant_id, pattern, begins_at, ends_at, skips, reason, created_by, created_at)
VALUES (%(kind)s, %(tenant)s, %(pattern)s, %(begins_at)s, %(ends_at)s, %(skips)s, %(reason)s, %(created_by)s, %(created_at)s)
RETURNING id;

-- list_times --
-- Entries that touch a time.
SELECT id, kind, tenant_id, pattern, begins_at, ends_at, skips, reason, created_by, created_at
FROM ml_health.quiet_time
WHERE removed_at IS NULL AND ends_at > %(after)s
  AND (%(until)s::timestamptz IS NULL OR begins_at < %(until)s::timestamptz)
ORDER BY begins_at, id;

-- remove --
-- The row stays, with when it was taken out.
UPDATE ml_health.quiet_time SET removed_at = %(at)s
WHERE id = %(quiet_id)s AND kind = %(kind)s AND removed_at IS NULL;
