-- Series that nothing watches yet, and why.
SELECT device AS "Device",
       metric AS "Metric",
       site AS "Site",
       state AS "State",
       state_reason AS "Why",
       trainable_at AS "First model from",
       newest_reading_at AS "Newest reading",
       tenant_id::text AS "Tenant"
FROM grafana.model_status
WHERE model_id IS NULL AND :chosen
ORDER BY array_position(ARRAY['circuit_open', 'unmodellable', 'collecting'], state), device, metric
LIMIT 200
