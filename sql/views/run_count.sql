-- The figures that runs told of themselves, one a row.
CREATE VIEW grafana.run_count AS
SELECT NULL::uuid AS tenant_id,
       run.id AS run_id,
       run.task,
       run.slot AS "time",
       run.outcome,
       told.name,
       (told.figure #>> '{}')::double precision AS figure
FROM ml_health.run AS run
CROSS JOIN LATERAL jsonb_each(run.counts) AS told (name, figure)
WHERE jsonb_typeof(told.figure) = 'number';
