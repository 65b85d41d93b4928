-- load --
-- The gold windows of some series.
SELECT series_id, timestamps, readings
FROM ml_health.gold_window
WHERE series_id = ANY (%(series_ids)s);

-- rebase --
-- Set or replace the gold window of a series.
INSERT INTO ml_health.gold_window (series_id, model_id, timestamps, readings, rebased_at)
VALUES (%(series_id)s, %(model_id)s, %(timestamps)s::timestamptz[], %(readings)s::double precision[], %(at)s)
ON CONFLICT (series_id) DO UPDATE
SET model_id = excluded.model_id, timestamps = excluded.timestamps, readings = excluded.readings,
    rebased_at = excluded.rebased_at;
