-- How often the drift test called readings drifted that were known not to have drifted.
SELECT $__timeGroupAlias("time", $__interval),
       sum(figure) FILTER (WHERE name = 'canary_false_alarms')
           / nullif(sum(figure) FILTER (WHERE name = 'canary_tests'), 0) AS "false alarm rate"
FROM grafana.run_count
WHERE $__timeFilter("time") AND name IN ('canary_tests', 'canary_false_alarms')
GROUP BY 1
ORDER BY 1
