-- Readings of the series beside the band that its model expected at that time, averaged where they are too many to draw.
WITH chosen AS (
    SELECT tenant_id, series_id, device, metric FROM grafana.model_status WHERE :series_chosen
), served AS (
    SELECT series_id, promoted_at, coalesce(retired_at, 'infinity') AS retired_at, band_low, band_high
    FROM grafana.model_version
    WHERE promoted_at IS NOT NULL AND :series_chosen
)
SELECT $__timeGroupAlias(reading."timestamp", $__interval),
       avg(reading.value) AS "reading",
       avg(served.band_low) AS "expected from",
       avg(served.band_high) AS "expected to"
FROM chosen
JOIN grafana.telemetry AS reading
  ON reading.tenant_id = chosen.tenant_id AND reading.device = chosen.device AND reading.metric = chosen.metric
LEFT JOIN served
  ON served.series_id = chosen.series_id
 AND reading."timestamp" >= served.promoted_at AND reading."timestamp" < served.retired_at
WHERE $__timeFilter(reading."timestamp")
GROUP BY 1
ORDER BY 1
