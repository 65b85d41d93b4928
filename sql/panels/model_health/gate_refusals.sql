-- Which question of the gate refused retrained models.
SELECT step_name AS "Gate",
       count(*) AS "refused"
FROM grafana.explanation
WHERE $__timeFilter(decided_at) AND decision = 'not_promoted' AND verdict = 'refused' AND :chosen
GROUP BY step_name
ORDER BY count(*) DESC, step_name
