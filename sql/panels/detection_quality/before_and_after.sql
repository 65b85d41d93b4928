-- Alarm rate of each series in the week before its model was replaced, and since then for at most a week.
WITH replaced AS (
    SELECT tenant_id, series_id, device, metric, "time" AS promoted_at, version, cause
    FROM grafana.model_event
    WHERE $__timeFilter("time") AND event = 'promoted' AND version > 1 AND :chosen
    ORDER BY "time" DESC
    LIMIT 100
)
SELECT promoted_at AS "Promoted",
       device AS "Device",
       metric AS "Metric",
       'v' || version AS "Version",
       cause AS "Cause",
       before.rate AS "Before",
       since.rate AS "After",
       tenant_id::text AS "Tenant"
FROM replaced
CROSS JOIN LATERAL (
    SELECT sum(activity.anomalies) / nullif(sum(activity.scored), 0)::double precision AS rate
    FROM grafana.activity_hourly AS activity
    WHERE activity.series_id = replaced.series_id
      AND activity."time" >= promoted_at - interval '7 days' AND activity."time" < promoted_at
) AS before
CROSS JOIN LATERAL (
    SELECT sum(activity.anomalies) / nullif(sum(activity.scored), 0)::double precision AS rate
    FROM grafana.activity_hourly AS activity
    WHERE activity.series_id = replaced.series_id
      AND activity."time" >= promoted_at AND activity."time" < promoted_at + interval '7 days'
) AS since
ORDER BY promoted_at DESC, device, metric
