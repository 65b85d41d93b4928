-- Series whose readings were late or missing at the last daily check of the time range.
SELECT device AS "Device",
       metric AS "Metric",
       check_name AS "Check",
       verdict AS "Verdict",
       reason AS "What was found",
       "time" AS "Checked",
       tenant_id::text AS "Tenant"
FROM grafana.check_result
WHERE run_id = (
    SELECT run_id FROM grafana.run
    WHERE task = 'ml_health_check' AND outcome IN ('succeeded', 'partial') AND slot <= $__timeTo()
    ORDER BY slot DESC LIMIT 1
)
  AND check_name IN ('lag', 'coverage') AND verdict IN ('warn', 'fail') AND :chosen
ORDER BY verdict, device, metric, check_name
LIMIT 200
