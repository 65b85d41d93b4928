-- Runs by how they ended.
SELECT $__timeGroupAlias(slot, $__interval),
       outcome AS metric,
       count(*)::double precision AS runs
FROM grafana.run
WHERE $__timeFilter(slot) AND task IN (${task:sqlstring})
GROUP BY 1, outcome
ORDER BY 1
