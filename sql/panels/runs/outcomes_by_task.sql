-- Runs of each task by how they ended.
SELECT task AS "Task",
       count(*) FILTER (WHERE outcome = 'succeeded') AS "Succeeded",
       count(*) FILTER (WHERE outcome = 'partial') AS "Partial",
       count(*) FILTER (WHERE outcome = 'interrupted') AS "Interrupted",
       count(*) FILTER (WHERE outcome = 'failed') AS "Failed",
       count(*) FILTER (WHERE outcome = 'skipped') AS "Skipped",
       count(*) FILTER (WHERE outcome = 'running') AS "Running"
FROM grafana.run
WHERE $__timeFilter(slot) AND task IN (${task:sqlstring})
GROUP BY task
ORDER BY task
