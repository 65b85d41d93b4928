-- New models of the series, and those that were refused or taken back.
SELECT "time",
       'v' || version || ' ' || replace(event, '_', ' ') || coalesce(': ' || reason, '') AS text,
       'model' AS tags
FROM grafana.model_event
WHERE $__timeFilter("time") AND event IN ('promoted', 'not_promoted', 'rolled_back', 'quarantined') AND :series_chosen
ORDER BY "time"
LIMIT 500
