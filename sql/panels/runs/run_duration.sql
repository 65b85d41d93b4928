-- How long runs took, the longest of each interval.
SELECT $__timeGroupAlias(slot, $__interval),
       task AS metric,
       max(duration_ms)::double precision AS duration
FROM grafana.run
WHERE $__timeFilter(slot) AND task IN (${task:sqlstring}) AND duration_ms IS NOT NULL
GROUP BY 1, task
ORDER BY 1
