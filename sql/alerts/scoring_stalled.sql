-- Seconds by which the newest scored reading is behind the newest one that arrived. A device whose clock runs ahead
-- would make either of the two that of a moment to come, so those moments are left out.
SELECT $__timeTo()::timestamptz AS "time",
       greatest(extract(epoch FROM
           max(newest_reading_at) FILTER (WHERE newest_reading_at <= $__timeTo())
           - max(scored_until) FILTER (WHERE scored_until <= $__timeTo())
       ), 0)::double precision AS seconds
FROM grafana.model_status
WHERE model_id IS NOT NULL
HAVING count(scored_until) FILTER (WHERE scored_until <= $__timeTo()) > 0
