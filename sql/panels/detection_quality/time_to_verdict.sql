-- How long alarms waited for their review.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY waited_s) AS "half within",
       percentile_cont(0.9) WITHIN GROUP (ORDER BY waited_s) AS "90 % within"
FROM (
    SELECT extract(epoch FROM given_at - "time")::double precision AS waited_s
    FROM grafana.verdict
    WHERE $__timeFilter("time") AND verdict IN ('confirmed', 'false_alarm') AND :chosen
) AS review
HAVING count(*) > 0
