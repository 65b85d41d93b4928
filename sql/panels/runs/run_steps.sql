-- What the chosen run did to each series; failures first.
SELECT task AS "Task",
       device AS "Device",
       metric AS "Metric",
       outcome AS "Outcome",
       reason AS "Reason",
       recorded_at AS "When",
       tenant_id::text AS "Tenant"
FROM grafana.run_step
WHERE run_id IN (
    SELECT run_id FROM grafana.run WHERE $__timeFilter(slot) AND run_id::text IN (${run:sqlstring})
)
  AND :chosen
ORDER BY array_position(ARRAY['failed', 'skipped', 'succeeded'], outcome), recorded_at, device, metric
LIMIT 500
