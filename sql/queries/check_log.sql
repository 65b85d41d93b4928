-- save --
-- The checks of some series of a run; a resumed run says the last word.
INSERT INTO ml_health.check_result
    (run_id, series_id, check_name, model_id, verdict, value, threshold, reason, evidence, checked_at)
SELECT %(run_id)s, series_id, check_name, model_id, verdict, value, threshold, reason, evidence, %(at)s
FROM jsonb_to_recordset(%(checks)s::jsonb) AS given (
    series_id bigint, check_name text, model_id uuid, verdict text, value double precision,
    threshold double precision, reason text, evidence jsonb
)
ON CONFLICT (run_id, series_id, check_name) DO UPDATE SET
    model_id = excluded.model_id, verdict = excluded.verdict, value = excluded.value,
    threshold = excluded.threshold, reason = excluded.reason, evidence = excluded.evidence,
    checked_at = excluded.checked_at;

-- list_values --
-- The last values of one check of each series up to a time, the oldest first.
SELECT asked.series_id, asked.check_name, newest.value
FROM unnest(%(series_ids)s::bigint[], %(checks)s::text[]) AS asked (series_id, check_name)
CROSS JOIN LATERAL (
    SELECT result.value, result.checked_at, result.run_id
    FROM ml_health.check_result AS result
    WHERE result.series_id = asked.series_id AND result.check_name = asked.check_name
      AND result.value IS NOT NULL AND result.checked_at <= %(until)s
    ORDER BY result.checked_at DESC, result.run_id DESC
    LIMIT %(limit)s
) AS newest
ORDER BY asked.series_id, asked.check_name, newest.checked_at, newest.run_id;

-- latest --
-- The newest result of some checks by series, of runs before a given one and up to a time, as a clock may have been
-- ahead: one look at the index for each.
SELECT newest.series_id, model_id, newest.check_name, verdict, reason, value, threshold, evidence
FROM unnest(%(series_ids)s::bigint[]) AS asked (series_id)
CROSS JOIN unnest(%(checks)s::text[]) AS wanted (check_name)
CROSS JOIN LATERAL (
    SELECT * FROM ml_health.check_result AS result
    WHERE result.series_id = asked.series_id AND result.check_name = wanted.check_name
      AND (%(before_run_id)s::bigint IS NULL OR result.run_id < %(before_run_id)s)
      AND (%(until)s::timestamptz IS NULL OR result.checked_at <= %(until)s)
    ORDER BY result.checked_at DESC, result.run_id DESC
    LIMIT 1
) AS newest;
