-- cited_models --
-- Models that open findings are about.
SELECT DISTINCT model_id FROM ml_health.finding WHERE resolved_at IS NULL AND model_id IS NOT NULL;

-- expired_partitions --
-- Partitions with nothing younger than a moment, the oldest first.
SELECT name FROM ml_health.expired_detection_partitions(%(before)s);

-- drop_partition --
-- The owner's function drops it, or refuses.
SELECT ml_health.drop_detection_partition(%(name)s, %(before)s);

-- delete_check_results --
-- The newest result of each (series, check) stays, whatever its age: the next check looks back at it.
DELETE FROM ml_health.check_result AS old
WHERE old.checked_at < %(before)s AND EXISTS (
    SELECT FROM ml_health.check_result AS newer
    WHERE newer.series_id = old.series_id AND newer.check_name = old.check_name AND newer.checked_at > old.checked_at
);

-- delete_run_items --
DELETE FROM ml_health.run_item WHERE recorded_at < %(before)s;

-- delete_rejected_readings --
DELETE FROM ml_health.rejected_reading WHERE rejected_at < %(before)s;
