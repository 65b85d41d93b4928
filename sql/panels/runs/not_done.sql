-- Runs that did not do their work, by reason.
SELECT task AS "Task",
       outcome AS "Outcome",
       coalesce(reason, 'no reason was written') AS "Reason",
       count(*) AS "Runs",
       max(slot) AS "Last"
FROM grafana.run
WHERE $__timeFilter(slot) AND task IN (${task:sqlstring}) AND outcome IN ('skipped', 'partial', 'failed', 'interrupted')
GROUP BY task, outcome, coalesce(reason, 'no reason was written')
ORDER BY array_position(ARRAY['failed', 'interrupted', 'partial', 'skipped'], outcome), max(slot) DESC
LIMIT 100
