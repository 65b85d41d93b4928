-- What the files of models take, by the models' status.
SELECT status AS "Status",
       sum(artifact_bytes)::double precision AS "bytes"
FROM grafana.model_version
WHERE artifact_bytes IS NOT NULL AND :chosen
GROUP BY status
ORDER BY sum(artifact_bytes) DESC
