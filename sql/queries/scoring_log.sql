-- begin --
-- Start the scoring of a series, or empty its state under another model; it goes on from its own watermark.
INSERT INTO ml_health.detector_state AS state (series_id, model_id, scored_from, watermark, updated_at)
VALUES (%(series_id)s, %(model_id)s, %(watermark)s, %(watermark)s, %(at)s)
ON CONFLICT (series_id) DO UPDATE
SET model_id = excluded.model_id, state = '', revision = state.revision + 1, updated_at = excluded.updated_at
WHERE state.model_id <> excluded.model_id;

-- load --
-- Where each series stands; recent instants as microseconds since 1970, for numpy.
SELECT state.series_id, state.model_id, state.state, state.scored_from, state.watermark, state.revision,
       ARRAY(SELECT (extract(epoch FROM instant) * 1000000)::bigint FROM unnest(state.recent) AS instant) AS recent,
       episode.id, episode.opened_at, episode.last_alarm_at, episode.alarms, episode.quiet_readings,
       episode.peak_score, episode.peak_value, episode.peak_at, episode.alerted_at, episode.is_heard,
       episode.by_device
FROM ml_health.detector_state AS state
LEFT JOIN ml_health.episode ON episode.series_id = state.series_id AND episode.closed_at IS NULL
WHERE state.series_id = ANY(%(series_ids)s);

-- ensure_partitions --
-- The months that detections are about to be written to.
SELECT ml_health.ensure_detection_partitions(month, month)
FROM unnest(%(months)s::timestamptz[]) AS month;

-- lock_unmoved --
-- Lock the states that are still where this batch took them from.
SELECT state.series_id
FROM ml_health.detector_state AS state
JOIN unnest(%(series_ids)s::bigint[], %(model_ids)s::uuid[], %(watermarks)s::timestamptz[], %(revisions)s::bigint[])
     AS taken (series_id, model_id, watermark, revision)
    USING (series_id, model_id, watermark, revision)
ORDER BY state.series_id
FOR UPDATE OF state;

-- update_episodes --
-- Episodes that went on or closed.
UPDATE ml_health.episode
SET opened_at = told.opened_at, last_alarm_at = told.last_alarm_at, closed_at = told.closed_at, alarms = told.alarms,
    quiet_readings = told.quiet_readings, peak_score = told.peak_score, peak_value = told.peak_value,
    peak_at = told.peak_at, alerted_at = told.alerted_at, is_heard = told.is_heard
FROM unnest(%(episode_id)s::bigint[], %(opened_at)s::timestamptz[], %(last_alarm_at)s::timestamptz[],
            %(closed_at)s::timestamptz[], %(alarms)s::bigint[], %(quiet_readings)s::integer[],
            %(peak_score)s::double precision[], %(peak_value)s::double precision[], %(peak_at)s::timestamptz[],
            %(alerted_at)s::timestamptz[], %(is_heard)s::boolean[])
     AS told (id, opened_at, last_alarm_at, closed_at, alarms, quiet_readings, peak_score, peak_value, peak_at,
              alerted_at, is_heard)
WHERE episode.id = told.id;

-- insert_episodes --
-- Episodes that opened; a series has at most one with a given opening in a batch.
INSERT INTO ml_health.episode
    (series_id, opened_at, last_alarm_at, closed_at, alarms, quiet_readings, peak_score, peak_value, peak_at,
     alerted_at, is_heard, by_device)
SELECT *
FROM unnest(%(series_id)s::bigint[], %(opened_at)s::timestamptz[], %(last_alarm_at)s::timestamptz[],
            %(closed_at)s::timestamptz[], %(alarms)s::bigint[], %(quiet_readings)s::integer[],
            %(peak_score)s::double precision[], %(peak_value)s::double precision[], %(peak_at)s::timestamptz[],
            %(alerted_at)s::timestamptz[], %(is_heard)s::boolean[],
            %(by_device)s::boolean[])
RETURNING series_id, opened_at, id;

-- add_alerts --
-- What is to be told of these episodes, or was spared.
INSERT INTO ml_health.alert_event
    (episode_id, series_id, kind, happened_at, alarms, peak_score, peak_value, peak_at, skipped_reason, written_at)
SELECT told.*, %(at)s
FROM unnest(%(episode_id)s::bigint[], %(series_id)s::bigint[], %(kind)s::text[], %(happened_at)s::timestamptz[],
            %(alarms)s::bigint[], %(peak_score)s::double precision[], %(peak_value)s::double precision[],
            %(peak_at)s::timestamptz[], %(skipped_reason)s::text[]) AS told;

-- add_activity --
-- Add a batch to its hours; a late reading adds to an hour that is there already.
INSERT INTO ml_health.activity_hourly AS activity
    (series_id, hour, scored, anomalies, episodes, late, dropped, out_of_range, calls, latency_ms_sum, latency_buckets)
SELECT series_id, hour, scored, anomalies, episodes, late, dropped, out_of_range, calls, latency_ms_sum,
       latency_buckets::bigint[]
FROM unnest(%(series_id)s::bigint[], %(hour)s::timestamptz[], %(scored)s::bigint[], %(anomalies)s::bigint[],
            %(episodes)s::bigint[], %(late)s::bigint[], %(dropped)s::bigint[], %(out_of_range)s::bigint[],
            %(calls)s::bigint[], %(latency_ms_sum)s::double precision[], %(latency_buckets)s::text[])
     AS batch (series_id, hour, scored, anomalies, episodes, late, dropped, out_of_range, calls, latency_ms_sum,
               latency_buckets)
ON CONFLICT (series_id, hour) DO UPDATE
SET scored = activity.scored + excluded.scored,
    anomalies = activity.anomalies + excluded.anomalies,
    episodes = activity.episodes + excluded.episodes,
    late = activity.late + excluded.late,
    dropped = activity.dropped + excluded.dropped,
    out_of_range = activity.out_of_range + excluded.out_of_range,
    calls = activity.calls + excluded.calls,
    latency_ms_sum = activity.latency_ms_sum + excluded.latency_ms_sum,
    latency_buckets = ARRAY(
        SELECT before + added
        FROM unnest(activity.latency_buckets, excluded.latency_buckets) WITH ORDINALITY
             AS histogram (before, added, bucket)
        ORDER BY bucket
    );

-- add_fleet_activity --
-- Add the same batch to the hours of its sites and metrics; in the order of the key, so that two batches never
-- wait for each other.
WITH batch AS (
    SELECT series.tenant_id, series.site, series.metric_name, told.*,
           told.scored * coalesce(model.target_alarm_rate, 0) AS expected_alarms
    FROM unnest(%(series_id)s::bigint[], %(model_id)s::uuid[], %(hour)s::timestamptz[], %(scored)s::bigint[],
                %(anomalies)s::bigint[], %(episodes)s::bigint[], %(late)s::bigint[], %(dropped)s::bigint[],
                %(out_of_range)s::bigint[], %(calls)s::bigint[], %(latency_ms_sum)s::double precision[],
                %(latency_buckets)s::text[])
         AS told (series_id, model_id, hour, scored, anomalies, episodes, late, dropped, out_of_range, calls,
                  latency_ms_sum, latency_buckets)
    JOIN ml_health.series AS series ON series.id = told.series_id
    LEFT JOIN public.ml_models AS model ON model.id = told.model_id
), buckets AS (
    SELECT hour, tenant_id, site, metric_name, bucket, sum(count)::bigint AS calls
    FROM batch
    CROSS JOIN unnest(latency_buckets::bigint[]) WITH ORDINALITY AS histogram (count, bucket)
    WHERE calls > 0
    GROUP BY hour, tenant_id, site, metric_name, bucket
), histograms AS (
    SELECT hour, tenant_id, site, metric_name, array_agg(calls ORDER BY bucket) AS latency_buckets
    FROM buckets
    GROUP BY hour, tenant_id, site, metric_name
), sums AS (
    SELECT hour, tenant_id, site, metric_name, sum(scored)::bigint AS scored, sum(anomalies)::bigint AS anomalies,
           sum(episodes)::bigint AS episodes, sum(late)::bigint AS late, sum(dropped)::bigint AS dropped,
           sum(out_of_range)::bigint AS out_of_range, sum(calls)::bigint AS calls,
           sum(latency_ms_sum) AS latency_ms_sum, sum(expected_alarms) AS expected_alarms,
           max(cardinality(latency_buckets::bigint[])) AS bucket_count
    FROM batch
    GROUP BY hour, tenant_id, site, metric_name
)
INSERT INTO ml_health.fleet_hourly AS fleet
    (hour, tenant_id, site, metric_name, scored, anomalies, episodes, late, dropped, out_of_range, calls,
     latency_ms_sum, latency_buckets, expected_alarms)
SELECT hour, tenant_id, site, metric_name, scored, anomalies, episodes, late, dropped, out_of_range, calls,
       latency_ms_sum, coalesce(latency_buckets, array_fill(0::bigint, ARRAY[bucket_count])), expected_alarms
FROM sums
LEFT JOIN histograms USING (hour, tenant_id, site, metric_name)
ORDER BY hour, tenant_id, site, metric_name
ON CONFLICT (hour, tenant_id, site, metric_name) DO UPDATE
SET scored = fleet.scored + excluded.scored,
    anomalies = fleet.anomalies + excluded.anomalies,
    episodes = fleet.episodes + excluded.episodes,
    late = fleet.late + excluded.late,
    dropped = fleet.dropped + excluded.dropped,
    out_of_range = fleet.out_of_range + excluded.out_of_range,
    calls = fleet.calls + excluded.calls,
    latency_ms_sum = fleet.latency_ms_sum + excluded.latency_ms_sum,
    expected_alarms = fleet.expected_alarms + excluded.expected_alarms,
    latency_buckets = ARRAY(
        SELECT before + added
        FROM unnest(fleet.latency_buckets, excluded.latency_buckets) WITH ORDINALITY
             AS histogram (before, added, bucket)
        ORDER BY bucket
    );

-- save_states --
-- What the next batch goes on from.
UPDATE ml_health.detector_state AS state
SET model_id = after.model_id, state = after.state, watermark = after.watermark,
    recent = after.recent::timestamptz[], revision = state.revision + 1, updated_at = %(at)s
FROM unnest(%(series_ids)s::bigint[], %(model_ids)s::uuid[], %(states)s::bytea[], %(watermarks)s::timestamptz[],
            %(recents)s::text[]) AS after (series_id, model_id, state, watermark, recent)
WHERE state.series_id = after.series_id;

-- touch_models --
-- The platform's column that says when a model was last of use.
UPDATE public.ml_models SET last_used_at = %(at)s WHERE id = ANY(%(model_ids)s::uuid[]);
