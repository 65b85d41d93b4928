-- (TP + TN) / all, from reviewed alarms and audited unflagged readings, each weighted by its share of the population:
-- told from enough reviews of alarms, or where every alarm has its own, and enough audited hours. The alarms of one
-- episode are one review.
WITH told AS (
    SELECT metric,
           count(DISTINCT review) FILTER (WHERE verdict IN ('confirmed', 'false_alarm')) AS reviews
    FROM grafana.verdict
    WHERE $__timeFilter("time") AND :chosen
    GROUP BY metric
), summed AS (
    SELECT metric,
           sum(predictions)::double precision AS predictions,
           sum(flagged)::double precision AS flagged,
           sum(confirmed)::double precision AS confirmed,
           sum(confirmed + false_alarms)::double precision AS judged,
           sum(missed + normal) AS audited,
           sum(normal_weight) / nullif(sum(audited_weight), 0) AS normal
    FROM grafana.quality
    WHERE $__timeFilter("time") AND :chosen
    GROUP BY metric
), seen AS (
    SELECT summed.*,
           coalesce(reviews, 0) AS reviews,
           coalesce(reviews, 0) >= :min_verdicts OR judged >= flagged AS alarms_are_told,
           audited >= :min_verdicts AS quiet_is_told
    FROM summed
    LEFT JOIN told USING (metric)
)
SELECT metric || CASE
           WHEN NOT alarms_are_told THEN ' (' || reviews || ' of :min_verdicts reviewed alarms)'
           WHEN NOT quiet_is_told THEN ' (' || audited || ' of :min_verdicts audited hours)'
           ELSE ' (n = ' || reviews + audited || ')'
       END AS metric,
       CASE
           WHEN alarms_are_told AND quiet_is_told
           THEN (flagged * coalesce(confirmed / nullif(judged, 0), 0) + (predictions - flagged) * normal)
                / nullif(predictions, 0)
       END AS accuracy
FROM seen
ORDER BY metric
