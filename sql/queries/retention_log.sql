-- series_with_artifacts --
-- Taken from the models themselves: a series that is missing here would have its artifacts taken for orphans.
SELECT DISTINCT series_id
FROM public.ml_models
WHERE artifact_sha256 IS NOT NULL AND artifact_purged_at IS NULL
ORDER BY series_id;

-- cited_models --
-- Models that open findings are about, or findings of an incident that is still open.
SELECT DISTINCT finding.model_id
FROM ml_health.finding
LEFT JOIN ml_health.incident ON incident.id = finding.incident_id
WHERE finding.model_id IS NOT NULL
  AND (finding.resolved_at IS NULL OR (incident.id IS NOT NULL AND incident.resolved_at IS NULL));

-- expired_partitions --
-- Partitions with nothing younger than a moment, the oldest first.
SELECT name FROM ml_health.expired_detection_partitions(%(before)s);

-- open_partition --
-- One partition's rows, read through the log itself: whoever may read that may not read its parts by name.
-- The bound on the time leaves younger partitions unopened.
DECLARE partition_rows NO SCROLL CURSOR FOR
SELECT detection.*
FROM public.anomaly_detections AS detection
WHERE detection.tableoid = to_regclass('public.' || quote_ident(%(name)s))
  AND detection."timestamp" < (
      SELECT until FROM ml_health.expired_detection_partitions(%(before)s) AS expired WHERE expired.name = %(name)s
  )
ORDER BY detection."timestamp", detection.id;

-- fetch_rows --
-- The next batch of them.
FETCH FORWARD %(rows)s FROM partition_rows;

-- drop_partition --
-- The owner's function drops it, or refuses.
SELECT ml_health.drop_detection_partition(%(name)s, %(before)s, %(rows)s);

-- delete_check_results --
-- The newest result of each (series, check) stays, whatever its age: the next check looks back at it.
DELETE FROM ml_health.check_result WHERE ctid = ANY (ARRAY(
    SELECT old.ctid
    FROM ml_health.check_result AS old
    WHERE old.checked_at < %(before)s AND EXISTS (
        SELECT FROM ml_health.check_result AS newer
        WHERE newer.series_id = old.series_id AND newer.check_name = old.check_name
          AND newer.checked_at > old.checked_at
    )
    LIMIT %(rows)s
));

-- delete_run_items --
-- What old runs did to single series; the runs themselves stay.
DELETE FROM ml_health.run_item WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ml_health.run_item WHERE recorded_at < %(before)s LIMIT %(rows)s
));

-- delete_alert_deliveries --
-- Which channel told an old alert.
DELETE FROM ml_health.alert_delivery WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ml_health.alert_delivery WHERE delivered_at < %(before)s LIMIT %(rows)s
));

-- delete_alert_events --
-- Old alerts; the episodes stay.
DELETE FROM ml_health.alert_event WHERE ctid = ANY (ARRAY(
    SELECT event.ctid FROM ml_health.alert_event AS event
    WHERE event.written_at < %(before)s
      AND NOT EXISTS (SELECT FROM ml_health.alert_delivery AS delivery WHERE delivery.event_id = event.id)
    LIMIT %(rows)s
));

-- delete_rejected_readings --
-- Lines that an import refused.
DELETE FROM ml_health.rejected_reading WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ml_health.rejected_reading WHERE rejected_at < %(before)s LIMIT %(rows)s
));

-- delete_rollups --
-- Hours of scoring that nobody looks back to any more.
DELETE FROM ml_health.activity_hourly WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ml_health.activity_hourly WHERE hour < %(rollups_before)s LIMIT %(rows)s
));

-- delete_fleet_rollups --
-- The same hours of sites and metrics.
DELETE FROM ml_health.fleet_hourly WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ml_health.fleet_hourly WHERE hour < %(rollups_before)s LIMIT %(rows)s
));
