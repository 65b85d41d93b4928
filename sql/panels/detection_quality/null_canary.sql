-- How often the drift test called readings drifted that were known not to have drifted.
SELECT $__timeGroupAlias("time", $__interval),
       sum(figure) FILTER (WHERE name = 'canary_spoke')
           / nullif(sum(figure) FILTER (WHERE name = 'canary_splits'), 0) AS "false alarm rate",
       max(figure) FILTER (WHERE name = 'canary_nominal') AS "promised"
FROM grafana.run_count
WHERE $__timeFilter("time") AND name IN ('canary_splits', 'canary_spoke', 'canary_nominal')
GROUP BY 1
ORDER BY 1
