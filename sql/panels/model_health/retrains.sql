-- What became of newly trained models, by day.
SELECT $__timeGroupAlias("time", $__interval),
       replace(event, '_', ' ') AS metric,
       count(*)::double precision AS models
FROM grafana.model_event
WHERE $__timeFilter("time") AND event IN ('promoted', 'not_promoted', 'failed', 'cancelled', 'rolled_back') AND :chosen
GROUP BY 1, event
ORDER BY 1
