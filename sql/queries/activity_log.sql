-- read_activity --
-- Sums of the hours in a range, and where scoring stands; a row for every series asked about.
WITH hours AS (
    SELECT * FROM ml_health.activity_hourly
    WHERE series_id = ANY(%(series_ids)s::bigint[]) AND hour > %(after)s AND hour <= %(until)s
), buckets AS (
    SELECT series_id, bucket, sum(calls)::bigint AS calls
    FROM (SELECT series_id, latency_buckets FROM hours) AS told
    CROSS JOIN unnest(latency_buckets) WITH ORDINALITY AS histogram (calls, bucket)
    GROUP BY series_id, bucket
), histograms AS (
    SELECT series_id, array_agg(calls ORDER BY bucket) AS latency_buckets FROM buckets GROUP BY series_id
), sums AS (
    SELECT series_id, sum(scored)::bigint AS scored, sum(anomalies)::bigint AS anomalies,
           sum(episodes)::bigint AS episodes, sum(out_of_range)::bigint AS out_of_range, sum(calls)::bigint AS calls
    FROM hours GROUP BY series_id
)
SELECT series_id, coalesce(scored, 0), coalesce(anomalies, 0), coalesce(episodes, 0), coalesce(out_of_range, 0),
       coalesce(calls, 0), coalesce(latency_buckets, '{}'), watermark
FROM unnest(%(series_ids)s::bigint[]) AS asked (series_id)
LEFT JOIN sums USING (series_id)
LEFT JOIN histograms USING (series_id)
LEFT JOIN ml_health.detector_state USING (series_id);
