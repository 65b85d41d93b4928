-- (TP + TN) / all, from reviewed alarms and audited unflagged readings, each weighted by its share of the population.
WITH seen AS (
    SELECT metric,
           sum(predictions)::double precision AS predictions,
           sum(flagged)::double precision AS flagged,
           sum(confirmed)::double precision AS confirmed,
           sum(confirmed + false_alarms)::double precision AS reviewed,
           sum(normal)::double precision AS normal,
           sum(normal + missed)::double precision AS audited
    FROM grafana.quality
    WHERE $__timeFilter("time")
      AND :chosen
    GROUP BY metric
)
SELECT metric || CASE
           WHEN reviewed + audited < :min_verdicts THEN ' (' || reviewed + audited || ' of :min_verdicts reviews)'
           WHEN audited = 0 THEN ' (n = ' || reviewed || ', unflagged readings not reviewed)'
           ELSE ' (n = ' || reviewed + audited || ')'
       END AS metric,
       CASE
           WHEN reviewed + audited >= :min_verdicts AND audited > 0 AND (reviewed > 0 OR flagged = 0)
           THEN (flagged * coalesce(confirmed / nullif(reviewed, 0), 0) + (predictions - flagged) * normal / audited)
                / nullif(predictions, 0)
       END AS accuracy
FROM seen
ORDER BY seen.metric
