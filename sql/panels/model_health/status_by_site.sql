-- Models of each site by the verdict of the last daily check; a muted one is counted as muted and nowhere else.
SELECT site AS "Site",
       count(*) FILTER (WHERE NOT muted AND health = 'healthy' AND NOT failed) AS "Healthy",
       count(*) FILTER (WHERE NOT muted AND health = 'stale' AND NOT failed) AS "Stale",
       count(*) FILTER (WHERE NOT muted AND health = 'degraded' AND NOT failed) AS "Degraded",
       count(*) FILTER (WHERE NOT muted AND failed) AS "Failed",
       count(*) FILTER (WHERE NOT muted AND health = 'no_data' AND NOT failed) AS "No data",
       count(*) FILTER (WHERE NOT muted AND health = 'unknown' AND NOT failed) AS "Not checked",
       count(*) FILTER (WHERE muted) AS "Muted"
FROM (
    SELECT site, health,
           health = 'broken' OR state = 'circuit_open' AS failed,
           coalesce(muted_until > $__timeTo(), false) AS muted
    FROM grafana.model_status
    WHERE (model_id IS NOT NULL OR state = 'circuit_open') AND :chosen
) AS model
GROUP BY site
ORDER BY site
