-- begin_look --
-- What is looked for may be forbidden to look at; that ends neither the transaction nor the other views.
SAVEPOINT telemetry_look;

-- end_look --
ROLLBACK TO SAVEPOINT telemetry_look;

-- refused_owner --
-- Who the view reads for, where that login may not read each of the mapped columns.
SELECT owner.name
FROM (
    SELECT coalesce((SELECT viewowner FROM pg_views WHERE schemaname = 'grafana' AND viewname = 'telemetry'),
                    current_user) AS name
) AS owner
WHERE NOT (SELECT bool_and(has_column_privilege(owner.name, to_regclass(%(relation)s)::oid, mapped.name, 'SELECT'))
           FROM unnest(%(columns)s::text[]) AS mapped (name));

-- define --
-- Columns as in views/telemetry.sql, whose place it takes. Plain columns stay plain, so that the site's own indexes
-- serve; what is no finite number is no reading.
CREATE OR REPLACE VIEW grafana.telemetry AS
SELECT {tenant} AS tenant_id,
       {device_text} AS device,
       {metric_text} AS metric,
       {at} AS "timestamp",
       nullif(nullif(nullif({value}, 'NaN'), 'Infinity'), '-Infinity') AS value
FROM {relation} AS source;
