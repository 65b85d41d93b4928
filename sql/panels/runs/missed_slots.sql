-- Slots without a run, by the task's usual distance between slots in this time range: between two runs, and between
-- the newest run and the end of the time range, where a scheduler that has died leaves none behind it.
WITH slot AS (
    SELECT task, slot, extract(epoch FROM slot - lag(slot) OVER (PARTITION BY task ORDER BY slot)) AS gap_s
    FROM grafana.run
    WHERE $__timeFilter(slot) AND task IN (${task:sqlstring})
), usual AS (
    SELECT task,
           mode() WITHIN GROUP (ORDER BY gap_s) FILTER (WHERE gap_s > 0) AS gap_s,
           count(*) AS runs,
           max(slot) AS newest
    FROM slot
    GROUP BY task
), gap AS (
    SELECT task, gap_s FROM slot WHERE gap_s > 0
    UNION ALL
    SELECT task, extract(epoch FROM :seen_until - newest) FROM usual
)
SELECT usual.task AS "Task",
       max(usual.runs) AS "Runs",
       sum(greatest(round(gap.gap_s / usual.gap_s) - 1, 0))::double precision AS "Missed slots",
       max(gap.gap_s)::double precision AS "Longest gap",
       max(usual.newest) AS "Newest slot"
FROM gap
JOIN usual USING (task)
WHERE usual.gap_s IS NOT NULL
GROUP BY usual.task
ORDER BY 3 DESC, 1
