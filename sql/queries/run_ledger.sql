-- close_abandoned --
-- Whoever holds the task's lock calls this: any run of it that still says "running" lost its process.
UPDATE ml_health.run
SET outcome = 'interrupted', finished_at = %(at)s, reason = 'its process ended without a word'
WHERE task = %(task)s AND outcome = 'running';

-- open_slot --
-- The first attempt of a slot, or the next one where it did not succeed and attempts remain.
-- An old slot is not taken up again once a newer one is finished, as after a clock that went back; a run of one
-- series finishes no slot of the fleet.
INSERT INTO ml_health.run AS run (task, slot, attempt, outcome, params, owner, started_at)
VALUES (%(task)s, %(slot)s, 1, 'running', %(params)s, %(owner)s, %(at)s)
ON CONFLICT (task, slot) DO UPDATE
SET attempt = run.attempt + 1, outcome = 'running', params = excluded.params, owner = excluded.owner,
    started_at = excluded.started_at, finished_at = NULL, duration_ms = NULL, reason = NULL, counts = '{}'
WHERE run.outcome IN ('partial', 'failed', 'interrupted')
  AND run.attempt < %(max_attempts)s
  AND NOT EXISTS (
      SELECT FROM ml_health.run AS newer
      WHERE newer.task = run.task AND newer.slot > run.slot
        AND newer.outcome IN ('succeeded', 'partial', 'skipped') AND NOT newer.params ? 'series'
  )
RETURNING id, task, slot, attempt, outcome, started_at, finished_at, reason, counts;

-- hold_attempt --
-- Keeps the run from being taken over until this transaction ends; no row where it already was.
SELECT 1 FROM ml_health.run
WHERE id = %(run_id)s AND attempt = %(attempt)s AND outcome = 'running'
FOR SHARE;

-- save_items --
-- What was done to some series; a later attempt's word replaces an earlier one's.
INSERT INTO ml_health.run_item (run_id, series_id, outcome, reason, recorded_at)
SELECT %(run_id)s, item.series_id, item.outcome, item.reason, %(at)s
FROM unnest(%(series_ids)s::bigint[], %(outcomes)s::text[], %(reasons)s::text[])
    AS item (series_id, outcome, reason)
ON CONFLICT (run_id, series_id) DO UPDATE
SET outcome = excluded.outcome, reason = excluded.reason, recorded_at = excluded.recorded_at;

-- started_series --
-- Of some series those that an attempt began and never ended.
SELECT series_id FROM ml_health.run_item
WHERE run_id = %(run_id)s AND outcome = 'started' AND series_id = ANY (%(series_ids)s);

-- finished_series --
-- Series that need no second look in this slot.
SELECT series_id FROM ml_health.run_item WHERE run_id = %(run_id)s AND outcome IN ('succeeded', 'skipped');

-- finish --
-- Only the attempt that is under way may close the run.
UPDATE ml_health.run
SET outcome = %(outcome)s, finished_at = %(at)s, reason = %(reason)s, counts = %(counts)s,
    duration_ms = %(duration_ms)s
WHERE id = %(run_id)s AND attempt = %(attempt)s AND outcome = 'running';

-- forget_started --
-- An attempt that ends in order has killed no process: what it was at is no suspect.
DELETE FROM ml_health.run_item WHERE run_id = %(run_id)s AND outcome = 'started';

-- find --
-- The run of one slot.
SELECT id, task, slot, attempt, outcome, started_at, finished_at, reason, counts
FROM ml_health.run WHERE task = %(task)s AND slot = %(slot)s;

-- latest --
-- The run of the fleet with the newest slot up to a time, as a clock may have been ahead; without outcomes, whatever
-- became of it.
SELECT id, task, slot, attempt, outcome, started_at, finished_at, reason, counts
FROM ml_health.run
WHERE task = %(task)s AND slot <= %(until)s AND NOT params ? 'series'
  AND (%(outcomes)s::text[] IS NULL OR outcome = ANY (%(outcomes)s::text[]))
ORDER BY slot DESC LIMIT 1;

-- try_lock --
-- Ends with its session at the latest, so a holder that died holds nothing.
SELECT pg_try_advisory_lock(hashtextextended('ml_health.task.' || %(task)s, 0));

-- unlock --
-- The session holds no other lock.
SELECT pg_advisory_unlock_all();
