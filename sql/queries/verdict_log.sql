-- add --
-- Verdicts of one person, all or none.
INSERT INTO ml_health.verdict
    (detection_id, detection_timestamp, series_id, verdict, given_by, given_at, note, episode_id, window_until)
SELECT *
FROM unnest(%(detection_id)s::uuid[], %(detection_timestamp)s::timestamptz[], %(series_id)s::bigint[],
            %(verdict)s::text[], %(given_by)s::text[], %(given_at)s::timestamptz[], %(note)s::text[],
            %(episode_id)s::bigint[], %(window_until)s::timestamptz[]);

-- count_latest --
-- The latest verdict on each reading and audited hour, counted by series. A stretch that nobody drew for the audit
-- was not met by chance, so it says nothing of the others.
WITH latest AS (
    SELECT DISTINCT ON (detection_id) series_id, detection_id, episode_id, verdict
    FROM ml_health.verdict
    WHERE series_id = ANY(%(series_ids)s)
      AND detection_timestamp > %(after)s AND detection_timestamp <= %(until)s
    ORDER BY detection_id, id DESC
), reviewed AS (
    SELECT series_id, count(*) AS reviews, sum(alarms ^ 2)::bigint AS squares
    FROM (
        SELECT series_id, count(*) AS alarms
        FROM latest
        WHERE verdict IN ('confirmed', 'false_alarm')
        GROUP BY series_id, coalesce(episode_id::text, detection_id::text)
    ) AS review
    GROUP BY series_id
)
SELECT latest.series_id,
       count(*) FILTER (WHERE verdict = 'confirmed'),
       count(*) FILTER (WHERE verdict = 'false_alarm'),
       coalesce(max(reviews), 0),
       coalesce(max(squares), 0),
       count(sample.id) FILTER (WHERE verdict = 'missed'),
       count(sample.id) FILTER (WHERE verdict = 'normal'),
       coalesce(sum(sample.readings / sample.probability), 0),
       coalesce(sum(sample.readings / sample.probability) FILTER (WHERE verdict = 'normal'), 0),
       coalesce(sum((sample.readings / sample.probability) ^ 2), 0)
FROM latest
LEFT JOIN reviewed USING (series_id)
LEFT JOIN ml_health.audit_sample AS sample ON sample.id = latest.detection_id
GROUP BY latest.series_id;

-- list_judged --
-- Readings with the latest word on each, as far as the anomaly log still holds them; a stretch has an end instead
-- of a value.
SELECT latest.series_id, latest.detection_timestamp, detection.value, latest.window_until,
       latest.verdict = ANY (%(anomalies)s) AS is_anomaly
FROM (
    SELECT DISTINCT ON (detection_id) series_id, detection_id, detection_timestamp, verdict, window_until
    FROM ml_health.verdict
    WHERE series_id = ANY (%(series_ids)s)
    ORDER BY detection_id, id DESC
) AS latest
LEFT JOIN public.anomaly_detections AS detection
       ON detection.id = latest.detection_id AND detection."timestamp" = latest.detection_timestamp
WHERE (latest.verdict = ANY (%(anomalies)s) OR latest.verdict = %(false_alarm)s)
  AND (detection.value IS NOT NULL OR latest.window_until IS NOT NULL)
ORDER BY latest.series_id, latest.detection_timestamp;
