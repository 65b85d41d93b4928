-- Share of reviewed alarms that were real, with Wilson's interval at 95 % for the effective number of reviews: alarms of
-- one episode are judged alike, so long episodes among short ones count for less than their number (Kish 1965).
WITH told AS (
    SELECT count(*)::double precision AS reviewed,
           sum(alarms) ^ 2 / sum(alarms ^ 2) AS effective
    FROM (
        SELECT count(*)::double precision AS alarms
        FROM grafana.verdict
        WHERE $__timeFilter("time") AND verdict IN ('confirmed', 'false_alarm') AND :chosen
        GROUP BY review
    ) AS review
), seen AS (
    SELECT max(told.reviewed) AS reviewed,
           max(told.effective) AS effective,
           sum(confirmed) / nullif(sum(confirmed + false_alarms), 0)::double precision AS share
    FROM grafana.quality CROSS JOIN told
    WHERE $__timeFilter("time") AND :chosen
    HAVING sum(predictions) > 0 OR sum(confirmed + false_alarms) > 0
), bounded AS (
    SELECT (share + 1.9208 / effective) / (1 + 3.8416 / effective) AS centre,
           1.96 * sqrt(share * (1 - share) / effective + 0.9604 / effective ^ 2) / (1 + 3.8416 / effective) AS margin
    FROM seen
    WHERE reviewed >= :min_verdicts
)
SELECT CASE
           WHEN centre IS NULL THEN reviewed || ' of :min_verdicts reviews'
           ELSE 'n = ' || reviewed || ', ' || round((100 * greatest(centre - margin, 0))::numeric) || ' to '
                || round((100 * least(centre + margin, 1))::numeric) || ' %'
       END AS label,
       CASE WHEN centre IS NOT NULL THEN share END AS "precision"
FROM seen
LEFT JOIN bounded ON true
