-- Age of the oldest open incident in hours; zero where none is open.
SELECT $__timeTo()::timestamptz AS "time",
       coalesce(max(extract(epoch FROM $__timeTo()::timestamptz - opened_at)), 0)::double precision / 3600 AS hours
FROM grafana.incident
WHERE resolved_at IS NULL AND opened_at <= $__timeTo()
