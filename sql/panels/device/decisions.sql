-- The last decisions about the series, each in its steps.
SELECT decided_at AS "Time",
       replace(decision, '_', ' ') AS "Decision",
       step AS "Step",
       step_name AS "What was looked at",
       verdict AS "Verdict",
       explanation AS "Told"
FROM grafana.explanation
WHERE $__timeFilter(decided_at) AND :series_chosen
ORDER BY decided_at DESC, decision, step
LIMIT 60
