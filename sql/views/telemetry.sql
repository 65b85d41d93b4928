-- Readings as they came. Ask for a series by its tenant, device and metric together: that is the table's key.
-- Where [telemetry] maps another relation, queries/telemetry_view.sql makes the same columns of that one.
CREATE VIEW grafana.telemetry AS
SELECT reading.tenant_id,
       reading.device_id::text AS device,
       reading.metric_name::text AS metric,
       reading."timestamp",
       reading.value
FROM ml_health.telemetry AS reading;
