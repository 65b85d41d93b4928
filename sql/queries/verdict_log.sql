-- add --
-- One verdict of one person.
INSERT INTO ml_health.verdict
    (detection_id, detection_timestamp, series_id, verdict, given_by, given_at, note)
VALUES (%(detection_id)s, %(detection_timestamp)s, %(series_id)s, %(verdict)s, %(given_by)s, %(given_at)s, %(note)s)
RETURNING id;

-- count_latest --
-- The latest verdict on each reading, counted by series.
SELECT series_id,
       count(*) FILTER (WHERE verdict = 'confirmed'),
       count(*) FILTER (WHERE verdict = 'false_alarm'),
       count(*) FILTER (WHERE verdict = 'missed'),
       count(*) FILTER (WHERE verdict = 'normal')
FROM (
    SELECT DISTINCT ON (detection_id) series_id, verdict
    FROM ml_health.verdict
    WHERE series_id = ANY(%(series_ids)s)
      AND detection_timestamp > %(after)s AND detection_timestamp <= %(until)s
    ORDER BY detection_id, id DESC
) AS latest
GROUP BY series_id;

-- list_judged --
-- Readings with the latest word on each, as far as the anomaly log still holds them.
SELECT latest.series_id, detection."timestamp", detection.value, latest.verdict = ANY (%(anomalies)s) AS is_anomaly
FROM (
    SELECT DISTINCT ON (detection_id) series_id, detection_id, detection_timestamp, verdict
    FROM ml_health.verdict
    WHERE series_id = ANY (%(series_ids)s)
    ORDER BY detection_id, id DESC
) AS latest
JOIN public.anomaly_detections AS detection
  ON detection.id = latest.detection_id AND detection."timestamp" = latest.detection_timestamp
WHERE (latest.verdict = ANY (%(anomalies)s) OR latest.verdict = %(false_alarm)s) AND detection.value IS NOT NULL
ORDER BY latest.series_id, detection."timestamp";
