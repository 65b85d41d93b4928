-- columns --
-- The columns of the mapped relation and their types, seen through domains. No row: no such relation.
SELECT attribute.attname,
       format_type(coalesce(nullif(type.typbasetype, 0), type.oid), NULL)
FROM pg_attribute AS attribute
JOIN pg_type AS type ON type.oid = attribute.atttypid
WHERE attribute.attrelid = to_regclass(%(relation)s) AND attribute.attnum > 0 AND NOT attribute.attisdropped
ORDER BY attribute.attnum;

-- survey --
-- One line a series: its usable readings, first and last, and all its rows up to the moment.
-- A row without a time belongs to no moment; it is counted as unusable.
SELECT reading.tenant, reading.device, reading.metric,
       min(reading.at) FILTER (WHERE reading.usable),
       max(reading.at) FILTER (WHERE reading.usable),
       count(*) FILTER (WHERE reading.usable),
       count(*)
FROM (
    SELECT r.tenant, r.device, r.metric, r.at,
           r.at > %(earliest)s AND r.value > '-Infinity' AND r.value < 'Infinity' AS usable
    FROM (
        SELECT {tenant_text} AS tenant, {device_text} AS device, {metric_text} AS metric,
               {at} AS at, {value} AS value
        FROM {relation} AS source
        WHERE {timestamp} <= {until} OR {timestamp} IS NULL
    ) AS r
) AS reading
GROUP BY reading.tenant, reading.device, reading.metric
ORDER BY reading.tenant, reading.device, reading.metric;

-- fetch --
-- The rows of all windows at once; what has no finite value comes as NaN, to be dropped and counted.
SELECT asked.place::integer, {at}, coalesce({value}, 'NaN')
FROM unnest(%(places)s::integer[], %(tenants)s::uuid[], %(devices)s::text[], %(metrics)s::text[],
            %(after)s::timestamptz[], %(until)s::timestamptz[])
    AS asked (place, tenant, device, metric, after, until)
JOIN {relation} AS source
  ON {device} = {asked_device} AND {metric} = {asked_metric} AND {tenant_matches}
 AND {timestamp} > {asked_after} AND {timestamp} <= {asked_until}
