-- Ages at the end of the time range: of the newest finished run of any task, and of the newest daily check that was
-- done.
SELECT extract(epoch FROM :seen_until - max(finished_at))::double precision AS "Any task",
       extract(epoch FROM :seen_until - max(finished_at) FILTER (
           WHERE task = 'ml_health_check' AND outcome IN ('succeeded', 'partial')
       ))::double precision AS "Daily check"
FROM grafana.run
WHERE finished_at <= $__timeTo()
HAVING count(*) > 0
