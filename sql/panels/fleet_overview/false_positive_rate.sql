-- With F flagged and U unflagged predictions, f the share of false alarms among reviewed alarms and q that of normal
-- readings among the audited (1 where too few were), the false positive rate is about F f / (F f + U q). The interval
-- is Wilson's for f, at 95 %, for the effective number of reviews: alarms of one episode are judged alike (Kish 1965).
-- Where every alarm was reviewed it is no estimate, but the false alarms over all normal readings, however few reviews
-- there are; the interval is then Wilson's for so many readings, of which those of one episode come as one.
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
    SELECT sum(predictions)::double precision AS predictions,
           sum(flagged)::double precision AS flagged,
           max(told.reviewed) AS reviewed,
           max(told.effective) AS effective,
           sum(confirmed + false_alarms)::double precision AS judged,
           sum(false_alarms)::double precision AS false_alarms,
           (sum(predictions) - sum(flagged)) * CASE
               WHEN sum(missed + normal) >= :min_verdicts THEN sum(normal_weight) / sum(audited_weight) ELSE 1
           END AS passed,
           sum(false_alarms) / nullif(sum(confirmed + false_alarms), 0)::double precision AS false_share
    FROM grafana.quality CROSS JOIN told
    WHERE $__timeFilter("time")
      AND :chosen
), counted AS (
    SELECT reviewed,
           false_alarms / (passed + false_alarms) AS rate,
           (passed + false_alarms) * effective / judged AS readings
    FROM seen
    WHERE judged >= flagged AND reviewed > 0 AND passed > 0
), bounded AS (
    SELECT flagged, passed, reviewed, false_share,
           (false_share + 1.9208 / effective) / (1 + 3.8416 / effective) AS centre,
           1.96 * sqrt(false_share * (1 - false_share) / effective + 0.9604 / effective ^ 2)
               / (1 + 3.8416 / effective) AS margin
    FROM seen
    WHERE reviewed >= :min_verdicts AND judged < flagged AND passed > 0
), rated AS (
    SELECT 'n = ' || reviewed AS told,
           flagged * false_share / (flagged * false_share + passed) AS rate,
           flagged * greatest(centre - margin, 0) / (flagged * greatest(centre - margin, 0) + passed) AS low,
           flagged * least(centre + margin, 1) / (flagged * least(centre + margin, 1) + passed) AS high
    FROM bounded
    UNION ALL
    SELECT 'n = ' || reviewed || ' (every alarm)',
           rate,
           greatest((rate + 1.9208 / readings - half) / (1 + 3.8416 / readings), 0),
           (rate + 1.9208 / readings + half) / (1 + 3.8416 / readings)
    FROM counted
    CROSS JOIN LATERAL (SELECT 1.96 * sqrt(rate * (1 - rate) / readings + 0.9604 / readings ^ 2) AS half) AS margin
)
SELECT CASE
           WHEN rate IS NULL THEN reviewed || ' of :min_verdicts reviews'
           ELSE told || ', ' || round((100 * low)::numeric, 2) || ' to '
                || round((100 * high)::numeric, 2) || ' %'
       END AS label,
       rate AS "false positive rate"
FROM seen
LEFT JOIN rated ON true
WHERE predictions > 0
