-- Hours since a daily check was last finished; no row, and so no data, where none ever was.
SELECT $__timeTo()::timestamptz AS "time",
       extract(epoch FROM $__timeTo()::timestamptz - max(finished_at))::double precision / 3600 AS hours
FROM grafana.run
WHERE task = 'ml_health_check' AND outcome IN ('succeeded', 'partial') AND finished_at <= $__timeTo()
HAVING count(*) > 0
