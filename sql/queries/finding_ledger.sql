-- lock --
-- One writer at a time: two tasks that open the same finding at once would clash on the one that may be open.
LOCK TABLE ml_health.finding IN SHARE ROW EXCLUSIVE MODE;

-- resolve --
-- What is fine again; one that was opened by a clock ahead of its time ends where it began.
UPDATE ml_health.finding AS finding
SET resolved_at = greatest(%(at)s, finding.opened_at), resolved_reason = given.message
FROM jsonb_to_recordset(%(observations)s::jsonb) AS given (
    check_name text, series_id bigint, severity text, message text
)
WHERE given.severity IS NULL AND finding.resolved_at IS NULL
  AND finding.check_name = given.check_name AND coalesce(finding.series_id, 0) = coalesce(given.series_id, 0);

-- refresh --
-- What is still wrong, as it is now; when it was opened stays.
UPDATE ml_health.finding AS finding
SET severity = given.severity, message = given.message, value = given.value, threshold = given.threshold,
    evidence = given.evidence, model_id = given.model_id, seen_at = %(at)s, occurrences = finding.occurrences + 1
FROM jsonb_to_recordset(%(observations)s::jsonb) AS given (
    check_name text, series_id bigint, severity text, message text, model_id uuid, value double precision,
    threshold double precision, evidence jsonb
)
WHERE given.severity IS NOT NULL AND finding.resolved_at IS NULL
  AND finding.check_name = given.check_name AND coalesce(finding.series_id, 0) = coalesce(given.series_id, 0);

-- open --
-- What has become wrong, numbered within its check and series. It runs last, when what is open was refreshed.
INSERT INTO ml_health.finding
    (check_name, series_id, sequence, severity, message, value, threshold, evidence, model_id, opened_at, seen_at)
SELECT given.check_name, given.series_id,
       1 + coalesce((
           SELECT max(sequence) FROM ml_health.finding AS earlier
           WHERE earlier.check_name = given.check_name
             AND coalesce(earlier.series_id, 0) = coalesce(given.series_id, 0)
       ), 0),
       given.severity, given.message, given.value, given.threshold, given.evidence, given.model_id, %(at)s, %(at)s
FROM jsonb_to_recordset(%(observations)s::jsonb) AS given (
    check_name text, series_id bigint, severity text, message text, model_id uuid, value double precision,
    threshold double precision, evidence jsonb
)
WHERE given.severity IS NOT NULL AND NOT EXISTS (
    SELECT FROM ml_health.finding AS standing
    WHERE standing.check_name = given.check_name AND standing.resolved_at IS NULL
      AND coalesce(standing.series_id, 0) = coalesce(given.series_id, 0)
);

-- list_open --
-- What is wrong now, the oldest first.
SELECT finding.id, finding.check_name, finding.sequence, finding.severity, finding.message, finding.opened_at,
       finding.seen_at, finding.occurrences, finding.series_id, series.tenant_id, series.device_id,
       series.metric_name, finding.model_id, finding.incident_id, finding.value, finding.threshold,
       finding.evidence, finding.resolved_at, finding.resolved_reason,
       coalesce(series.muted_until > %(now)s, false) AS muted
FROM ml_health.finding
LEFT JOIN ml_health.series ON series.id = finding.series_id
WHERE finding.resolved_at IS NULL AND (%(checks)s::text[] IS NULL OR finding.check_name = ANY(%(checks)s))
ORDER BY finding.opened_at, finding.id;

-- find --
-- One finding, open or resolved; it does not tell of muting, which passes.
SELECT finding.id, finding.check_name, finding.sequence, finding.severity, finding.message, finding.opened_at,
       finding.seen_at, finding.occurrences, finding.series_id, series.tenant_id, series.device_id,
       series.metric_name, finding.model_id, finding.incident_id, finding.value, finding.threshold,
       finding.evidence, finding.resolved_at, finding.resolved_reason, false AS muted
FROM ml_health.finding
LEFT JOIN ml_health.series ON series.id = finding.series_id
WHERE finding.id = %(finding_id)s;
