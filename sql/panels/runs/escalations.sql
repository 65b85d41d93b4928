-- Incidents that began and that ended.
SELECT "time",
       sum(opened)::double precision AS "opened",
       sum(resolved)::double precision AS "resolved"
FROM (
    SELECT $__timeGroupAlias(opened_at, $__interval), 1 AS opened, 0 AS resolved
    FROM grafana.incident WHERE $__timeFilter(opened_at) AND :tenant_or_site
    UNION ALL
    SELECT $__timeGroupAlias(resolved_at, $__interval), 0, 1
    FROM grafana.incident WHERE $__timeFilter(resolved_at) AND :tenant_or_site
) AS change
GROUP BY 1
ORDER BY 1
