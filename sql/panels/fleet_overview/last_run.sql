-- Age of the newest finished run at the end of the time range.
SELECT task || ' ' || outcome AS label,
       extract(epoch FROM $__timeTo()::timestamptz - finished_at)::double precision AS age_s
FROM grafana.run
WHERE finished_at <= $__timeTo()
ORDER BY finished_at DESC
LIMIT 1
