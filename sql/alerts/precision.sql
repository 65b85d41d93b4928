-- Share of reviewed alarms that were real; no row below the least number of reviews.
SELECT $__timeTo()::timestamptz AS "time",
       sum(confirmed)::double precision / sum(confirmed + false_alarms) AS share
FROM grafana.quality
WHERE $__timeFilter("time")
HAVING sum(confirmed + false_alarms) >= :min_verdicts
