-- With F flagged readings, U unflagged ones, f the share of false alarms among reviewed alarms, and q the share of normal
-- readings among the audited (1 where too few were), the false positive rate is F f / (F f + U q). The interval is
-- Wilson's for f, at 95 %.
-- Where every alarm was reviewed it is no estimate, but the false alarms over all normal readings, however few reviews
-- there are; the interval is then Wilson's for so many readings, of which those of one episode come as one.
WITH told AS (
    SELECT count(DISTINCT review) FILTER (WHERE verdict IN ('confirmed', 'false_alarm'))::double precision AS reviewed,
           count(DISTINCT review) FILTER (WHERE verdict IN ('missed', 'normal')) AS audits
    FROM grafana.verdict
    WHERE $__timeFilter("time") AND (window_until IS NULL OR weight IS NOT NULL) AND :chosen
), seen AS (
    SELECT sum(predictions)::double precision AS predictions,
           sum(flagged)::double precision AS flagged,
           max(told.reviewed) AS reviewed,
           CASE WHEN max(told.audits) >= :min_verdicts
                THEN least(sum(normal_weight) / nullif(sum(audited_weight), 0), 1) ELSE 1 END AS normal_share,
           sum(confirmed + false_alarms)::double precision AS judged,
           sum(false_alarms)::double precision AS false_alarms,
           sum(false_alarms) / nullif(sum(confirmed + false_alarms), 0)::double precision AS false_share
    FROM grafana.quality CROSS JOIN told
    WHERE $__timeFilter("time")
      AND :chosen
), population AS (
    SELECT *, (predictions - flagged) * normal_share AS passed FROM seen
), counted AS (
    SELECT reviewed,
           false_alarms / (false_alarms + passed) AS rate,
           (false_alarms + passed) * reviewed / judged AS readings
    FROM population
    WHERE judged >= flagged AND reviewed > 0 AND passed > 0
), bounded AS (
    SELECT flagged, passed, reviewed, false_share,
           (false_share + 1.9208 / reviewed) / (1 + 3.8416 / reviewed) AS centre,
           1.96 * sqrt(false_share * (1 - false_share) / reviewed + 0.9604 / reviewed ^ 2)
               / (1 + 3.8416 / reviewed) AS margin
    FROM population
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
