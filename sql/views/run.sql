-- Every run of every task. Runs belong to the site and not to one of its tenants.
CREATE VIEW grafana.run AS
SELECT NULL::uuid AS tenant_id,
       run.id AS run_id,
       run.task,
       run.slot,
       run.attempt,
       run.outcome,
       run.reason,
       run.counts,
       run.started_at,
       run.finished_at,
       run.duration_ms
FROM ml_health.run AS run;
