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

-- latest --
-- The newest result of some checks by series, of runs before a given one: one look at the index for each.
SELECT newest.series_id, model_id, newest.check_name, verdict, reason, value, threshold, evidence
FROM unnest(%(series_ids)s::bigint[]) AS asked (series_id)
CROSS JOIN unnest(%(checks)s::text[]) AS wanted (check_name)
CROSS JOIN LATERAL (
    SELECT * FROM ml_health.check_result AS result
    WHERE result.series_id = asked.series_id AND result.check_name = wanted.check_name
      AND (%(before_run_id)s::bigint IS NULL OR result.run_id < %(before_run_id)s)
    ORDER BY result.checked_at DESC, result.run_id DESC
    LIMIT 1
) AS newest;
