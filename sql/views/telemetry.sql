-- Readings as they came. Ask for a series by its tenant, device and metric together: that is the table's key.
CREATE VIEW grafana.telemetry AS
SELECT reading.tenant_id,
       reading.device_id AS device,
       reading.metric_name AS metric,
       reading."timestamp",
       reading.value
FROM ml_health.telemetry AS reading;
