-- list_events --
-- What was done to models.
SELECT series.device_id || ':' || series.metric_name, model.version, event.event, event.happened_at, event.cause, event.reason
FROM ml_health.model_event AS event
JOIN ml_health.series ON series.id = event.series_id
LEFT JOIN public.ml_models AS model ON model.id = event.model_id
WHERE event.happened_at > %(after)s AND event.happened_at <= %(until)s
ORDER BY event.id;

-- list_findings --
-- What was found, also what is mended.
SELECT series.device_id || ':' || series.metric_name, finding.check_name, finding.severity, finding.message,
       finding.opened_at, finding.resolved_at, incident.issue_url
FROM ml_health.finding
LEFT JOIN ml_health.series ON series.id = finding.series_id
LEFT JOIN ml_health.incident ON incident.id = finding.incident_id
WHERE finding.opened_at > %(after)s AND finding.opened_at <= %(until)s
ORDER BY finding.id;

-- tally_series --
-- Every series with what scoring found in it.
SELECT series.device_id || ':' || series.metric_name, series.state, series.health, model.version,
       coalesce(sum(activity.scored), 0)::bigint, coalesce(sum(activity.anomalies), 0)::bigint,
       coalesce(sum(activity.episodes), 0)::bigint
FROM ml_health.series
LEFT JOIN public.ml_models AS model ON model.series_id = series.id AND model.status = 'active'
LEFT JOIN ml_health.activity_hourly AS activity
    ON activity.series_id = series.id AND activity.hour > %(after)s AND activity.hour <= %(until)s
GROUP BY series.id, model.version
ORDER BY series.device_id, series.metric_name;

-- list_anomalies --
-- Flagged readings of one series, with the version that flagged them.
SELECT detection.timestamp, detection.value, model.version
FROM public.anomaly_detections AS detection
LEFT JOIN public.ml_models AS model ON model.id = detection.model_id
WHERE detection.series_id = %(series_id)s AND detection.is_anomaly
  AND detection.timestamp > %(after)s AND detection.timestamp <= %(until)s
ORDER BY detection.timestamp;
