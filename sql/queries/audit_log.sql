-- draw --
-- Each hour with unflagged readings is equally likely; a hash with the seed puts them in an order that is random to
-- everything else, and the same whenever it is asked for.
WITH frame AS (
    SELECT series_id, hour, scored - anomalies AS readings,
           md5(%(seed)s || '|' || series_id || '|' || extract(epoch FROM hour)::bigint)::uuid AS id
    FROM ml_health.activity_hourly
    WHERE hour >= %(begin)s AND hour < %(end)s AND scored > anomalies
)
INSERT INTO ml_health.audit_sample (id, series_id, hour, readings, probability, drawn_at)
SELECT id, series_id, hour, readings, least(1, %(size)s::double precision / (SELECT count(*) FROM frame)), %(at)s
FROM frame
WHERE NOT EXISTS (SELECT FROM ml_health.audit_sample WHERE hour >= %(begin)s AND hour < %(end)s)
ORDER BY id
LIMIT %(size)s
ON CONFLICT DO NOTHING;

-- find --
-- One drawn hour with the latest verdict on it.
SELECT sample.id, sample.series_id, series.tenant_id, series.device_id, series.metric_name, sample.hour,
       sample.readings, sample.probability, (
           SELECT verdict.verdict FROM ml_health.verdict
           WHERE verdict.detection_id = sample.id ORDER BY verdict.id DESC LIMIT 1
       )
FROM ml_health.audit_sample AS sample
JOIN ml_health.series ON series.id = sample.series_id
WHERE sample.id = %(sample_id)s;

-- list_hours --
-- Drawn hours with the latest verdict on each, the oldest first.
SELECT sample.id, sample.series_id, series.tenant_id, series.device_id, series.metric_name, sample.hour,
       sample.readings, sample.probability, said.verdict
FROM ml_health.audit_sample AS sample
JOIN ml_health.series ON series.id = sample.series_id
LEFT JOIN LATERAL (
    SELECT verdict.verdict FROM ml_health.verdict
    WHERE verdict.detection_id = sample.id ORDER BY verdict.id DESC LIMIT 1
) AS said ON true
WHERE sample.hour > %(after)s AND sample.hour <= %(until)s AND NOT (%(unanswered)s AND said.verdict IS NOT NULL)
ORDER BY sample.hour, sample.id;

-- count_scored --
-- What was scored and flagged in the fleet.
SELECT coalesce(sum(scored), 0)::bigint, coalesce(sum(anomalies), 0)::bigint
FROM ml_health.activity_hourly
WHERE hour > %(after)s AND hour <= %(until)s;
