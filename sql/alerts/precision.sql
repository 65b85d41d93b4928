-- Share of reviewed alarms that were real; no row below the least number of reviews.
SELECT $__timeTo()::timestamptz AS "time",
       count(*) FILTER (WHERE verdict = 'confirmed')::double precision / count(*) AS share
FROM grafana.verdict
WHERE $__timeFilter("time") AND verdict IN ('confirmed', 'false_alarm')
HAVING count(DISTINCT review) >= :min_verdicts
