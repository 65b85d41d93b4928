-- Runs of ml_retrain that failed since one was last done.
SELECT $__timeTo()::timestamptz AS "time",
       count(*)::double precision AS runs
FROM grafana.run
WHERE task = 'ml_retrain' AND outcome IN ('failed', 'interrupted') AND slot <= $__timeTo()
  AND slot > coalesce((
      SELECT max(slot) FROM grafana.run
      WHERE task = 'ml_retrain' AND outcome IN ('succeeded', 'partial', 'skipped') AND slot <= $__timeTo()
  ), '-infinity')
