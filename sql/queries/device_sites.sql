-- assign --
-- Every series its device's site, where that differs; a device without one is of the default site.
UPDATE ml_health.series AS series
SET site = told.site
FROM (
    SELECT known.id, coalesce(source.site, %(default_site)s) AS site
    FROM ml_health.series AS known
    LEFT JOIN (
        SELECT {device}::text AS device, min(nullif(trim({site}::text), '')) AS site
        FROM {relation}
        GROUP BY 1
    ) AS source ON source.device = known.device_id
) AS told
WHERE told.id = series.id AND told.site IS DISTINCT FROM series.site;

-- assign_default --
-- The same where no relation tells sites.
UPDATE ml_health.series SET site = %(default_site)s WHERE site IS DISTINCT FROM %(default_site)s;
