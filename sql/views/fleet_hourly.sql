-- What scoring did, a row a site, metric and hour; `time` is the hour's begin. `expected_alarms` is what the targets of
-- the models that scored let expect.
CREATE VIEW grafana.fleet_hourly AS
SELECT fleet.tenant_id,
       fleet.site,
       fleet.metric_name AS metric,
       fleet.hour AS "time",
       fleet.scored,
       fleet.anomalies,
       fleet.expected_alarms,
       fleet.episodes,
       fleet.late,
       fleet.dropped,
       fleet.out_of_range,
       fleet.calls,
       fleet.latency_ms_sum
FROM ml_health.fleet_hourly AS fleet;
