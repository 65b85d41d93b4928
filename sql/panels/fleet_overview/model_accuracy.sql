-- (TP + TN) / all, from reviewed alarms and audited unflagged readings, each weighted by its share of the population.
-- The alarms of one episode are one review. Each of the two shares needs its own least number of reviews; where every
-- alarm was reviewed theirs is counted, however few they were.
WITH told AS (
    SELECT metric,
           count(DISTINCT review) FILTER (WHERE verdict IN ('confirmed', 'false_alarm')) AS alarms,
           count(DISTINCT review) FILTER (WHERE verdict IN ('missed', 'normal')) AS audits
    FROM grafana.verdict
    WHERE $__timeFilter("time") AND (window_until IS NULL OR weight IS NOT NULL) AND :chosen
    GROUP BY metric
), seen AS (
    SELECT metric,
           sum(predictions)::double precision AS predictions,
           sum(flagged)::double precision AS flagged,
           sum(confirmed)::double precision AS confirmed,
           sum(confirmed + false_alarms)::double precision AS judged,
           sum(normal_weight) AS normal,
           sum(audited_weight) AS audited
    FROM grafana.quality
    WHERE $__timeFilter("time") AND :chosen
    GROUP BY metric
), reviewed AS (
    SELECT seen.*,
           coalesce(alarms, 0) AS alarms,
           coalesce(audits, 0) AS audits,
           coalesce(alarms, 0) >= :min_verdicts OR judged >= flagged AS alarms_known
    FROM seen
    LEFT JOIN told USING (metric)
)
SELECT metric || CASE
           WHEN audits < :min_verdicts THEN ' (' || audits || ' of :min_verdicts audited hours)'
           WHEN NOT alarms_known THEN ' (' || alarms || ' of :min_verdicts reviewed alarms)'
           ELSE ' (n = ' || alarms + audits || ')'
       END AS metric,
       CASE
           WHEN audits >= :min_verdicts AND alarms_known
           THEN (flagged * coalesce(confirmed / nullif(judged, 0), 0)
                    + (predictions - flagged) * normal / nullif(audited, 0)) / nullif(predictions, 0)
       END AS accuracy
FROM reviewed
ORDER BY reviewed.metric
