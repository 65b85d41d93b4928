-- Age of the newest finished run at the end of the time range, and how many tasks' newest finished runs failed.
SELECT extract(epoch FROM :seen_until - max(finished_at))::double precision AS "Since the last run",
       count(*) FILTER (WHERE outcome = 'failed') AS "Tasks that failed"
FROM (
    SELECT DISTINCT ON (task) finished_at, outcome
    FROM grafana.run
    WHERE finished_at <= $__timeTo()
    ORDER BY task, finished_at DESC
) AS newest
HAVING count(*) > 0
