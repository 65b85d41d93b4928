-- add_new --
-- In one order for everybody, so that two at once wait for each other and never deadlock.
INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at, newest_reading_at)
SELECT found.tenant_id, found.device_id, found.metric_name, %(at)s, found.newest_at
FROM unnest(%(tenants)s::uuid[], %(devices)s::text[], %(metrics)s::text[], %(newest)s::timestamptz[])
    AS found (tenant_id, device_id, metric_name, newest_at)
ORDER BY found.tenant_id, found.device_id, found.metric_name
ON CONFLICT (tenant_id, device_id, metric_name) DO NOTHING;

-- refresh_newest --
-- Never backwards: a slot that is run late looks at an earlier moment.
WITH found AS (
    SELECT series.id, found.newest_at
    FROM unnest(%(tenants)s::uuid[], %(devices)s::text[], %(metrics)s::text[], %(newest)s::timestamptz[])
        AS found (tenant_id, device_id, metric_name, newest_at)
    JOIN ml_health.series USING (tenant_id, device_id, metric_name)
    WHERE series.newest_reading_at IS NULL OR series.newest_reading_at < found.newest_at
    ORDER BY series.id
    FOR UPDATE OF series
)
UPDATE ml_health.series SET newest_reading_at = found.newest_at FROM found WHERE found.id = series.id;

-- list_series --
-- Those in these states and with these keys; either may be left open.
SELECT series.id, series.tenant_id, series.device_id, series.metric_name, series.state, series.discovered_at,
       series.state_reason, series.newest_reading_at, series.trainable_at, series.training_failures,
       series.circuit_open_until, series.health, series.health_reasons, series.health_checked_at,
       series.muted_until, series.mute_reason, adopted.is_adopted
FROM ml_health.series
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM public.ml_models AS model WHERE model.series_id = series.id AND model.adopted
    ) AS is_adopted
) AS adopted
WHERE (%(states)s::text[] IS NULL OR series.state = ANY (%(states)s::text[]))
  AND (%(tenants)s::uuid[] IS NULL OR (series.tenant_id, series.device_id, series.metric_name) IN (
      SELECT * FROM unnest(%(tenants)s::uuid[], %(devices)s::text[], %(metrics)s::text[])
  ))
ORDER BY adopted.is_adopted DESC, series.tenant_id, series.device_id, series.metric_name;

-- hold_state --
-- The state that a step begins from, held until the step is made.
SELECT state FROM ml_health.series WHERE id = %(series_id)s FOR UPDATE;

-- save_state --
-- The state of one series, as it now is in every part.
UPDATE ml_health.series
SET state = %(state)s, state_reason = %(reason)s, trainable_at = %(trainable_at)s,
    training_failures = %(training_failures)s, circuit_open_until = %(circuit_open_until)s
WHERE id = %(series_id)s;

-- save_health --
-- Verdicts of many series at once; reasons come as JSON because arrays of arrays must be rectangular.
UPDATE ml_health.series
SET health = given.health, health_checked_at = %(at)s,
    health_reasons = ARRAY(
        SELECT reason FROM jsonb_array_elements_text(given.reasons) WITH ORDINALITY AS told (reason, place)
        ORDER BY place
    )
FROM unnest(%(series_ids)s::bigint[], %(verdicts)s::text[], %(reasons)s::jsonb[])
    AS given (series_id, health, reasons)
-- A check of an older moment never replaces a newer one's verdict.
WHERE series.id = given.series_id AND (series.health_checked_at IS NULL OR series.health_checked_at <= %(at)s);

-- mute --
-- Quiet one series, or let it be heard again.
UPDATE ml_health.series SET muted_until = %(until)s, mute_reason = %(reason)s
WHERE tenant_id = %(tenant)s AND device_id = %(device)s AND metric_name = %(metric)s;
