-- Everything from which detection quality is estimated, to be summed over whatever time and metrics are asked for:
-- what the models said (an hour of a site and metric a row) and what operators said of it (a review a row). Nothing is
-- summed here, so that a filter on `time` reaches the tables. Rates are the reader's: there are none below the least
-- number of reviews. An audited hour stands for as many unflagged readings as its weight says.
CREATE VIEW grafana.quality AS
SELECT tenant_id, site, metric, "time",
       scored AS predictions,
       anomalies AS flagged,
       0::bigint AS confirmed,
       0::bigint AS false_alarms,
       0::bigint AS missed,
       0::bigint AS normal,
       0::double precision AS audited_weight,
       0::double precision AS normal_weight
FROM grafana.fleet_hourly
UNION ALL
SELECT tenant_id, site, metric, "time",
       0,
       0,
       (verdict = 'confirmed')::integer,
       (verdict = 'false_alarm')::integer,
       (verdict = 'missed')::integer,
       (verdict = 'normal')::integer,
       coalesce(weight, 0),
       CASE WHEN verdict = 'normal' THEN weight ELSE 0 END
FROM grafana.verdict
-- Quiet readings that were not drawn for the audit say nothing of the others.
WHERE verdict IN ('confirmed', 'false_alarm') OR weight IS NOT NULL;
