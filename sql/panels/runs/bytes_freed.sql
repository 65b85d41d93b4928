-- Bytes that the purge freed.
SELECT $__timeGroupAlias("time", $__interval),
       sum(figure) AS "bytes freed"
FROM grafana.run_count
WHERE $__timeFilter("time") AND task = 'ml_purge' AND name = 'bytes_freed'
GROUP BY 1
ORDER BY 1
