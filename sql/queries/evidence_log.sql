-- find_model --
-- Whose model it is.
SELECT series_id FROM public.ml_models WHERE id = %(model_id)s AND series_id IS NOT NULL;

-- list_model_events --
-- What was done to a version, in order.
SELECT happened_at, event, cause, reason, evidence, NULL
FROM ml_health.model_event
WHERE model_id = %(model_id)s
ORDER BY happened_at, id;

-- list_model_checks --
-- The newest answer of each check about a version, in the order of their names.
SELECT DISTINCT ON (result.check_name)
       result.checked_at, result.check_name, result.verdict, result.reason, result.value, result.threshold,
       series.device_id || ':' || series.metric_name
FROM ml_health.check_result AS result
JOIN ml_health.series ON series.id = result.series_id
WHERE result.series_id = %(series_id)s AND result.model_id = %(model_id)s
ORDER BY result.check_name, result.checked_at DESC;

-- list_model_findings --
-- What was found wrong with a version, in order.
SELECT finding.check_name, finding.severity, finding.message, finding.value, finding.threshold, finding.opened_at,
       finding.resolved_at, finding.resolved_reason, series.device_id || ':' || series.metric_name
FROM ml_health.finding
JOIN ml_health.series ON series.id = finding.series_id
WHERE finding.series_id = %(series_id)s AND finding.model_id = %(model_id)s
ORDER BY finding.opened_at, finding.id;

-- find_anomaly --
-- A reading's own trail with its episode.
SELECT detection.model_id, detection.confidence, detection.frozen_score, coalesce(detection.metadata, '{}'),
       detection.detected_at, episode.id, episode.opened_at, episode.last_alarm_at, episode.closed_at,
       episode.alarms, episode.peak_value, device_episode.id, device_episode.metrics, device_episode.judgement,
       device_episode.words, device_episode.evidence
FROM public.anomaly_detections AS detection
LEFT JOIN ml_health.episode ON episode.id = detection.episode_id
LEFT JOIN ml_health.device_episode ON device_episode.id = episode.device_episode_id
WHERE detection.id = %(detection_id)s
ORDER BY detection."timestamp" DESC
LIMIT 1;

-- list_alerts --
-- What was written of an episode, or of those that it is told with, and when it was told first or why nobody was.
SELECT happened_at, kind, skipped_reason,
       (SELECT min(delivered_at) FROM ml_health.alert_delivery WHERE alert_delivery.event_id = alert_event.id)
FROM ml_health.alert_event
WHERE episode_id = %(episode_id)s OR episode_id IN (
    SELECT together.id
    FROM ml_health.episode
    JOIN ml_health.episode AS together ON together.device_episode_id = episode.device_episode_id
    WHERE episode.id = %(episode_id)s
)
ORDER BY id;

-- list_verdicts --
-- Everything that people said of a reading, in order.
SELECT given_at, verdict, given_by, note
FROM ml_health.verdict
WHERE detection_id = %(detection_id)s
ORDER BY id;

-- count_findings --
-- How many findings an incident has; no row where there is no such incident.
SELECT count(finding.id)
FROM ml_health.incident
LEFT JOIN ml_health.finding ON finding.incident_id = incident.id
WHERE incident.id = %(incident_id)s
GROUP BY incident.id;

-- list_incident_findings --
-- The gravest and oldest of an incident's findings.
SELECT finding.check_name, finding.severity, finding.message, finding.value, finding.threshold, finding.opened_at,
       finding.resolved_at, finding.resolved_reason, series.device_id || ':' || series.metric_name,
       finding.series_id
FROM ml_health.finding
LEFT JOIN ml_health.series ON series.id = finding.series_id
WHERE finding.incident_id = %(incident_id)s
ORDER BY finding.severity <> 'critical', finding.opened_at, finding.id
LIMIT %(limit)s;

-- list_incident_checks --
-- What the incident's check says now of these series.
SELECT DISTINCT ON (result.series_id)
       result.checked_at, result.check_name, result.verdict, result.reason, result.value, result.threshold,
       series.device_id || ':' || series.metric_name
FROM ml_health.check_result AS result
JOIN ml_health.series ON series.id = result.series_id
JOIN ml_health.incident ON incident.id = %(incident_id)s AND incident.check_name = result.check_name
WHERE result.series_id = ANY (%(series_ids)s::bigint[])
ORDER BY result.series_id, result.checked_at DESC;

-- list_incident_events --
-- What was done to models of these series since the incident opened, and until it was resolved.
SELECT event.happened_at, event.event, event.cause, event.reason, event.evidence,
       series.device_id || ':' || series.metric_name
FROM ml_health.model_event AS event
JOIN ml_health.series ON series.id = event.series_id
JOIN ml_health.incident ON incident.id = %(incident_id)s
WHERE event.series_id = ANY (%(series_ids)s::bigint[]) AND event.happened_at >= incident.opened_at
  AND (incident.resolved_at IS NULL OR event.happened_at <= incident.resolved_at)
ORDER BY event.happened_at, event.id;

-- list_messages --
-- What was said to the issue tracker, or waits to be.
SELECT created_at, action, status, finished_at, error
FROM ml_health.outbox
WHERE incident_id = %(incident_id)s
ORDER BY id;
