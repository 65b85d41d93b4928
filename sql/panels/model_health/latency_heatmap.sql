-- Scoring calls by time and latency: a column a bucket, named by its upper bound in milliseconds. The open bucket
-- stands at twice the last bound.
SELECT $__timeGroupAlias("time", $__interval),
       sum(calls) FILTER (WHERE high_ms = 0.1)::double precision AS "0.1",
       sum(calls) FILTER (WHERE high_ms = 0.2)::double precision AS "0.2",
       sum(calls) FILTER (WHERE high_ms = 0.5)::double precision AS "0.5",
       sum(calls) FILTER (WHERE high_ms = 1)::double precision AS "1",
       sum(calls) FILTER (WHERE high_ms = 2)::double precision AS "2",
       sum(calls) FILTER (WHERE high_ms = 5)::double precision AS "5",
       sum(calls) FILTER (WHERE high_ms = 10)::double precision AS "10",
       sum(calls) FILTER (WHERE high_ms = 20)::double precision AS "20",
       sum(calls) FILTER (WHERE high_ms = 50)::double precision AS "50",
       sum(calls) FILTER (WHERE high_ms = 100)::double precision AS "100",
       sum(calls) FILTER (WHERE high_ms = 200)::double precision AS "200",
       sum(calls) FILTER (WHERE high_ms = 500)::double precision AS "500",
       sum(calls) FILTER (WHERE high_ms = 1000)::double precision AS "1000",
       sum(calls) FILTER (WHERE high_ms IS NULL)::double precision AS "2000"
FROM grafana.latency_bucket
WHERE $__timeFilter("time") AND :chosen
GROUP BY 1
HAVING sum(calls) > 0
ORDER BY 1
