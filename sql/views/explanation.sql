-- Why it decided as it did: for each moment at which something was decided about a series, the steps in order.
-- An anomaly: the reading, the band, the score, the detector's reason. A new model: every question that the gate asked.
CREATE VIEW grafana.explanation AS
SELECT anomaly.tenant_id,
       anomaly.site,
       anomaly.series_id,
       anomaly.device,
       anomaly.metric,
       anomaly."timestamp" AS decided_at,
       'anomaly' AS decision,
       step.number AS step,
       step.name AS step_name,
       step.verdict,
       step.told AS explanation
FROM grafana.anomaly AS anomaly
LEFT JOIN grafana.episode AS episode ON episode.episode_id = anomaly.episode_id
CROSS JOIN LATERAL (
    SELECT round(anomaly.value::numeric, 4)::double precision AS value,
           round(anomaly.band_low::numeric, 4)::double precision AS low,
           round(anomaly.band_high::numeric, 4)::double precision AS high,
           round(anomaly.severity::numeric, 2)::double precision AS severity,
           round(anomaly.anomaly_score::numeric, 4)::double precision AS score,
           round(anomaly.confidence::numeric, 4)::double precision AS confidence
) AS rounded
CROSS JOIN LATERAL (VALUES
    (1, 'reading', NULL, 'the reading is ' || rounded.value),
    (2, 'expected band',
        CASE WHEN anomaly.value BETWEEN anomaly.band_low AND anomaly.band_high THEN 'inside' ELSE 'outside' END,
        'expected are ' || coalesce(rounded.low::text, 'any') || ' to ' || coalesce(rounded.high::text, 'any')
            || coalesce('; it is ' || rounded.severity || ' robust standard deviations outside', '')),
    (3, 'score', CASE WHEN anomaly.anomaly_score < 0 THEN 'anomaly' ELSE 'normal' END,
        'the score is ' || rounded.score || ', below 0 is an anomaly; a normal reading is less strange with probability '
            || coalesce(rounded.confidence::text, 'unknown')),
    (4, 'the detector''s reason', NULL, coalesce(anomaly.reason ->> 'text', nullif(anomaly.reason::text, '{}'))),
    (5, 'episode', episode.device_judgement,
        'told as part of episode ' || anomaly.episode_id || coalesce('; ' || episode.device_words, '')),
    (6, 'review', anomaly.verdict,
        coalesce('an operator said ' || replace(anomaly.verdict, '_', ' '), 'nobody has reviewed it yet'))
) AS step (number, name, verdict, told)
WHERE step.told IS NOT NULL
UNION ALL
SELECT event.tenant_id,
       event.site,
       event.series_id,
       event.device,
       event.metric,
       event."time",
       event.event,
       step.number::integer,
       step.asked ->> 'check',
       CASE WHEN (step.asked ->> 'passed')::boolean THEN 'passed' ELSE 'refused' END,
       step.asked ->> 'reason'
FROM grafana.model_event AS event
CROSS JOIN LATERAL jsonb_array_elements(
    CASE WHEN jsonb_typeof(event.evidence -> 'gate') = 'array' THEN event.evidence -> 'gate' ELSE '[]' END
) WITH ORDINALITY AS step (asked, number);
