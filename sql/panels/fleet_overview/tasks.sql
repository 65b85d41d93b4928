-- The newest run of each task up to the end of the time range.
SELECT DISTINCT ON (task)
       task AS "Task",
       slot AS "Slot",
       outcome AS "Outcome",
       duration_ms AS "Duration",
       attempt AS "Attempt",
       reason AS "Reason"
FROM grafana.run
WHERE slot <= $__timeTo()
ORDER BY task, slot DESC
