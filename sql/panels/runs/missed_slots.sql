-- Slots between two runs of a task that have no run, by the task's usual distance between slots in this time range.
WITH slot AS (
    SELECT task, slot, extract(epoch FROM slot - lag(slot) OVER (PARTITION BY task ORDER BY slot)) AS gap_s
    FROM grafana.run
    WHERE $__timeFilter(slot) AND task IN (${task:sqlstring})
), usual AS (
    SELECT task, mode() WITHIN GROUP (ORDER BY gap_s) AS gap_s FROM slot WHERE gap_s > 0 GROUP BY task
)
SELECT slot.task AS "Task",
       count(*) + 1 AS "Runs",
       sum(greatest(round(slot.gap_s / usual.gap_s) - 1, 0))::double precision AS "Missed slots",
       max(slot.gap_s)::double precision AS "Longest gap",
       max(slot.slot) AS "Newest slot"
FROM slot
JOIN usual USING (task)
WHERE slot.gap_s > 0
GROUP BY slot.task
ORDER BY 3 DESC, 1
