-- list_companions --
-- Other scored metrics of the devices of these series.
SELECT series.id, other.tenant_id, other.device_id, other.metric_name
FROM ml_health.series
JOIN ml_health.series AS other
  ON other.tenant_id = series.tenant_id AND other.device_id = series.device_id AND other.id <> series.id
JOIN ml_health.detector_state AS state ON state.series_id = other.id
WHERE series.id = ANY(%(series_ids)s);

-- list_metrics --
-- The scored metrics of these devices, each with the median interval that its serving model learned from.
SELECT series.tenant_id, series.device_id, series.metric_name, (model.metadata ->> 'median_interval_s')::double precision
FROM unnest(%(tenants)s::uuid[], %(devices)s::text[]) AS asked (tenant_id, device_id)
JOIN ml_health.series ON series.tenant_id = asked.tenant_id AND series.device_id = asked.device_id
JOIN ml_health.detector_state AS state ON state.series_id = series.id
JOIN public.ml_models AS model ON model.id = state.model_id
ORDER BY series.tenant_id, series.device_id, series.metric_name;

-- list_unjoined --
-- Episodes that wait to be told with their device's.
SELECT series.id, series.tenant_id, series.device_id, series.metric_name, episode.closed_at,
       episode.id, episode.opened_at, episode.last_alarm_at, episode.alarms, episode.quiet_readings,
       episode.peak_score, episode.peak_value, episode.peak_at, episode.alerted_at, episode.is_heard,
       episode.by_device
FROM ml_health.episode
JOIN ml_health.series ON series.id = episode.series_id
WHERE episode.by_device AND episode.device_episode_id IS NULL;

-- list_known --
-- Open episodes of devices, and those of these devices that closed since.
SELECT id, tenant_id, device_id, metrics, last_alarm_at, closed_at, alarms, judgement, suspect, words, is_settled,
       told_judgement, alerted_at, is_heard
FROM ml_health.device_episode
WHERE closed_at IS NULL
UNION ALL
SELECT known.id, known.tenant_id, known.device_id, known.metrics, known.last_alarm_at, known.closed_at, known.alarms,
       known.judgement, known.suspect, known.words, known.is_settled, known.told_judgement, known.alerted_at,
       known.is_heard
FROM ml_health.device_episode AS known
JOIN unnest(%(tenants)s::uuid[], %(devices)s::text[], %(after)s::timestamptz[]) AS asked (tenant_id, device_id, after)
  ON known.tenant_id = asked.tenant_id AND known.device_id = asked.device_id
WHERE known.closed_at >= asked.after;

-- list_members --
-- The episodes that belong to these.
SELECT episode.device_episode_id,
       series.id, series.tenant_id, series.device_id, series.metric_name, episode.closed_at,
       episode.id, episode.opened_at, episode.last_alarm_at, episode.alarms, episode.quiet_readings,
       episode.peak_score, episode.peak_value, episode.peak_at, episode.alerted_at, episode.is_heard,
       episode.by_device
FROM ml_health.episode
JOIN ml_health.series ON series.id = episode.series_id
WHERE episode.device_episode_id = ANY(%(ids)s);

-- insert --
-- Episodes of devices that opened; `place` tells which is which.
WITH told AS (
    SELECT *, nextval(pg_get_serial_sequence('ml_health.device_episode', 'id')) AS id
    FROM jsonb_to_recordset(%(rows)s) AS given (
        place integer, tenant_id uuid, device_id text, metrics jsonb, opened_at timestamptz,
        last_alarm_at timestamptz, closed_at timestamptz, alarms bigint, judgement text, suspect text, words text,
        evidence jsonb, is_settled boolean, told_judgement text, alerted_at timestamptz, is_heard boolean)
), written AS (
    INSERT INTO ml_health.device_episode
        (id, tenant_id, device_id, metrics, opened_at, last_alarm_at, closed_at, alarms, judgement, suspect, words,
         evidence, is_settled, told_judgement, alerted_at, is_heard)
    OVERRIDING SYSTEM VALUE
    SELECT id, tenant_id, device_id, ARRAY(SELECT jsonb_array_elements_text(metrics)), opened_at, last_alarm_at,
           closed_at, alarms, judgement, suspect, words, evidence, is_settled, told_judgement, alerted_at, is_heard
    FROM told
)
SELECT place, id FROM told;

-- update --
-- Episodes of devices that went on or closed; what was judged before stays where nothing was judged now.
UPDATE ml_health.device_episode AS known
SET metrics = ARRAY(SELECT jsonb_array_elements_text(told.metrics)), opened_at = told.opened_at,
    last_alarm_at = told.last_alarm_at, closed_at = told.closed_at, alarms = told.alarms,
    told_judgement = told.told_judgement, alerted_at = told.alerted_at, is_heard = told.is_heard,
    judgement = CASE WHEN told.is_judged THEN told.judgement ELSE known.judgement END,
    suspect = CASE WHEN told.is_judged THEN told.suspect ELSE known.suspect END,
    words = CASE WHEN told.is_judged THEN told.words ELSE known.words END,
    evidence = CASE WHEN told.is_judged THEN told.evidence ELSE known.evidence END,
    is_settled = CASE WHEN told.is_judged THEN told.is_settled ELSE known.is_settled END
FROM jsonb_to_recordset(%(rows)s) AS told (
    id bigint, metrics jsonb, opened_at timestamptz, last_alarm_at timestamptz, closed_at timestamptz, alarms bigint,
    is_judged boolean, judgement text, suspect text, words text, evidence jsonb, is_settled boolean,
    told_judgement text, alerted_at timestamptz, is_heard boolean)
WHERE known.id = told.id;

-- place_members --
-- Where each episode belongs.
UPDATE ml_health.episode SET device_episode_id = placed.device_episode_id
FROM unnest(%(episode_ids)s::bigint[], %(device_episode_ids)s::bigint[]) AS placed (id, device_episode_id)
WHERE episode.id = placed.id AND episode.device_episode_id IS DISTINCT FROM placed.device_episode_id;

-- add_alerts --
-- What is to be told of these devices, or was spared: by the episode of the metric that began.
INSERT INTO ml_health.alert_event
    (episode_id, series_id, kind, happened_at, alarms, peak_score, peak_value, peak_at, skipped_reason, device,
     written_at)
SELECT told.*, %(at)s
FROM jsonb_to_recordset(%(rows)s) AS told (
    episode_id bigint, series_id bigint, kind text, happened_at timestamptz, alarms bigint,
    peak_score double precision, peak_value double precision, peak_at timestamptz, skipped_reason text, device jsonb);
