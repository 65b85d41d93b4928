-- (TP + TN) / all, from reviewed alarms and audited unflagged readings, each weighted by its share of the population.
-- The alarms of one episode are one review.
WITH told AS (
    SELECT metric, count(DISTINCT review)::double precision AS reviews
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
)
SELECT metric || CASE
           WHEN coalesce(reviews, 0) < :min_verdicts THEN ' (' || coalesce(reviews, 0) || ' of :min_verdicts reviews)'
           WHEN audited = 0 THEN ' (n = ' || reviews || ', unflagged readings not reviewed)'
           ELSE ' (n = ' || reviews || ')'
       END AS metric,
       CASE
           WHEN reviews >= :min_verdicts AND audited > 0 AND (judged > 0 OR flagged = 0)
           THEN (flagged * coalesce(confirmed / nullif(judged, 0), 0) + (predictions - flagged) * normal / audited)
                / nullif(predictions, 0)
       END AS accuracy
FROM seen
LEFT JOIN told USING (metric)
ORDER BY seen.metric
