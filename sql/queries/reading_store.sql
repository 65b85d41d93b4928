-- create_incoming --
-- Takes a batch by COPY, whatever of it turns out to be there already; gone with its transaction.
CREATE TEMPORARY TABLE incoming (
    series integer NOT NULL,
    at timestamptz NOT NULL,
    value double precision NOT NULL,
    line bigint NOT NULL
) ON COMMIT DROP;

-- store_incoming --
-- Of rows for one instant the first in its source is stored. Everybody inserts in the order of the names,
-- so that two imports at once wait for each other and never deadlock. A row is late where it lies behind
-- what scoring of its series still looks back to.
WITH series AS (
    SELECT *
    FROM unnest(%(places)s::integer[], %(tenants)s::uuid[], %(devices)s::text[], %(metrics)s::text[])
        AS named (place, tenant_id, device_id, metric_name)
), chosen AS (
    SELECT DISTINCT ON (incoming.series, incoming.at) incoming.series, incoming.at, incoming.value
    FROM pg_temp.incoming
    ORDER BY incoming.series, incoming.at, incoming.line
), stored AS (
    INSERT INTO ml_health.telemetry (tenant_id, device_id, metric_name, "timestamp", value)
    SELECT series.tenant_id, series.device_id, series.metric_name, chosen.at, chosen.value
    FROM chosen JOIN series ON series.place = chosen.series
    ORDER BY chosen.series, chosen.at
    ON CONFLICT (tenant_id, device_id, metric_name, "timestamp") DO NOTHING
    RETURNING tenant_id, device_id, metric_name, "timestamp"
), horizons AS (
    SELECT series.tenant_id, series.device_id, series.metric_name,
           greatest(state.scored_from, state.watermark - %(lateness)s) AS horizon
    FROM series
    JOIN ml_health.series AS known USING (tenant_id, device_id, metric_name)
    JOIN ml_health.detector_state AS state ON state.series_id = known.id
)
SELECT count(*), count(*) FILTER (WHERE stored."timestamp" <= horizons.horizon)
FROM stored LEFT JOIN horizons USING (tenant_id, device_id, metric_name);

-- find_conflicts --
-- Rows of the batch whose instant is stored with another value; asked only where not all were stored.
SELECT incoming.line, incoming.series, incoming.at, incoming.value
FROM pg_temp.incoming
JOIN unnest(%(places)s::integer[], %(tenants)s::uuid[], %(devices)s::text[], %(metrics)s::text[])
    AS series (place, tenant_id, device_id, metric_name) ON series.place = incoming.series
JOIN ml_health.telemetry AS stored
  ON stored.tenant_id = series.tenant_id AND stored.device_id = series.device_id
 AND stored.metric_name = series.metric_name AND stored."timestamp" = incoming.at
WHERE stored.value <> incoming.value;

-- keep_rejected --
-- As they came; a row that is already kept is not kept again.
INSERT INTO ml_health.rejected_reading (source, line, raw, reason, rejected_at)
SELECT %(source)s, row.line, row.raw, row.reason, %(at)s
FROM unnest(%(lines)s::bigint[], %(raws)s::text[], %(reasons)s::text[]) AS row (line, raw, reason)
ON CONFLICT (source, line, raw) DO NOTHING;
