-- Why it decided as it did: for each moment at which something was decided about a series, the steps in order.
-- An anomaly: the reading, the band, the score, the verdict. A new model: every question that the gate asked.
CREATE VIEW grafana.explanation AS
SELECT anomaly.tenant_id, anomaly.site, anomaly.series_id, anomaly.device, anomaly.metric,
       anomaly."timestamp" AS decided_at, 'anomaly' AS decision, step.number AS step, step.words AS step_name,
       step.verdict, step.told AS explanation
FROM grafana.anomaly AS anomaly
CROSS JOIN LATERAL (VALUES
    (1, 'reading', NULL, 'the reading is ' || anomaly.value),
    (2, 'expected band', CASE WHEN anomaly.value BETWEEN anomaly.band_low AND anomaly.band_high THEN 'inside' ELSE 'outside' END,
        'expected are ' || coalesce(anomaly.band_low::text, 'any') || ' to ' || coalesce(anomaly.band_high::text, 'any')
        || coalesce('; it is ' || round(anomaly.severity::numeric, 2) || ' robust standard deviations outside', '')),
    (3, 'score', CASE WHEN anomaly.anomaly_score < 0 THEN 'anomaly' ELSE 'normal' END,
        'the score is ' || round(anomaly.anomaly_score::numeric, 4) || ', below 0 is an anomaly; a normal reading is less strange with probability '
        || round(anomaly.confidence::numeric, 4)),
    (4, 'the detector''s reason', NULL, nullif(anomaly.reason::text, '{}')),
    (5, 'episode', NULL, 'told as part of episode ' || anomaly.episode_id),
    (6, 'review', anomaly.verdict, coalesce('an operator said ' || replace(anomaly.verdict, '_', ' '), 'nobody has reviewed it yet'))
) AS step (number, words, verdict, told)
WHERE step.told IS NOT NULL
UNION ALL
SELECT event.tenant_id, event.site, event.series_id, event.device, event.metric,
       event."time", event.event, step.number::integer, step.asked ->> 'check',
       CASE WHEN (step.asked ->> 'passed')::boolean THEN 'passed' ELSE 'refused' END,
       step.asked ->> 'reason'
FROM grafana.model_event AS event
CROSS JOIN LATERAL jsonb_array_elements(
    CASE WHEN jsonb_typeof(event.evidence -> 'gate') = 'array' THEN event.evidence -> 'gate' ELSE '[]' END
) WITH ORDINALITY AS step (asked, number);
