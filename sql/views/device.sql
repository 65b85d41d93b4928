-- Devices, each once: what a drop-down lists.
CREATE VIEW grafana.device AS
SELECT DISTINCT series.tenant_id,
       series.site,
       series.device_id AS device
FROM ml_health.series AS series;
