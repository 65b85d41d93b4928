-- What each check said of the series, check by check.
SELECT "time" AS ts,
       max(verdict) FILTER (WHERE check_name = 'artifact') AS "artifact",
       max(verdict) FILTER (WHERE check_name = 'age') AS "age",
       max(verdict) FILTER (WHERE check_name = 'lag') AS "lag",
       max(verdict) FILTER (WHERE check_name = 'coverage') AS "coverage",
       max(verdict) FILTER (WHERE check_name = 'flatline') AS "flatline",
       max(verdict) FILTER (WHERE check_name = 'out_of_range') AS "out of range",
       max(verdict) FILTER (WHERE check_name = 'unit_change') AS "unit change",
       max(verdict) FILTER (WHERE check_name = 'alarm_rate') AS "alarm rate",
       max(verdict) FILTER (WHERE check_name = 'scoring_stalled') AS "scoring stalled",
       max(verdict) FILTER (WHERE check_name = 'training_failures') AS "training failures",
       max(verdict) FILTER (WHERE check_name = 'latency') AS "latency",
       max(verdict) FILTER (WHERE check_name = 'accuracy') AS "accuracy",
       max(verdict) FILTER (WHERE check_name = 'false_positive_rate') AS "false positive rate",
       max(verdict) FILTER (WHERE check_name = 'drift') AS "drift"
FROM grafana.check_result
WHERE $__timeFilter("time") AND :series_chosen
GROUP BY "time"
ORDER BY "time"
