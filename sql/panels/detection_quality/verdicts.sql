-- What operators said, by the day of the reading.
SELECT $__timeGroupAlias("time", $__interval),
       replace(verdict, '_', ' ') AS metric,
       count(*)::double precision AS reviews
FROM grafana.verdict
WHERE $__timeFilter("time") AND :chosen
GROUP BY 1, verdict
ORDER BY 1
