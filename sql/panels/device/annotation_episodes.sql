-- Episodes of anomalies, each from its first alarm to its end; one that is open ends with its newest alarm.
SELECT "time",
       coalesce(closed_at, last_alarm_at) AS timeend,
       alarms || ' anomalies, at worst ' || peak_value || CASE WHEN closed_at IS NULL THEN ', still open' ELSE '' END
           || coalesce('; ' || device_words, '') AS text,
       'episode' AS tags
FROM grafana.episode
WHERE "time" <= $__timeTo() AND coalesce(closed_at, last_alarm_at) >= $__timeFrom() AND :series_chosen
ORDER BY "time"
LIMIT 500
