-- list_versions --
-- Versions by series and number; a null filter takes all. Adopted models without a usable name have no series.
SELECT id AS model_id, series_id, version, model_type AS kind, status, created_at, trained_at, promoted_at,
       retired_at, updated_at, training_from, training_to, training_samples, training_ms, contamination, n_estimators,
       target_alarm_rate, artifact_sha256, artifact_bytes, artifact_purged_at, pinned, adopted, cause,
       outcome_reason, metadata
FROM public.ml_models
WHERE series_id IS NOT NULL
  AND (%(series_ids)s::bigint[] IS NULL OR series_id = ANY (%(series_ids)s::bigint[]))
  AND (%(statuses)s::text[] IS NULL OR status = ANY (%(statuses)s::text[]))
  AND (%(model_ids)s::uuid[] IS NULL OR id = ANY (%(model_ids)s::uuid[]))
ORDER BY series_id, version;

-- lock_series --
-- Whoever changes a series' versions holds its row, so that two promoters cannot both win. Rows that only refer to
-- the series (scoring's, findings) may be written meanwhile.
SELECT id FROM ml_health.series WHERE id = %(series_id)s FOR NO KEY UPDATE;

-- lock_series_of_model --
-- The same, where only the model is known.
SELECT series.id
FROM ml_health.series
JOIN public.ml_models AS model ON model.series_id = series.id
WHERE model.id = %(model_id)s
FOR NO KEY UPDATE OF series;

-- insert_candidate --
-- The next number of the series; tenant and names are those of the series row, never the caller's.
INSERT INTO public.ml_models
    (id, tenant_id, device_id, metric_name, series_id, version, model_type, status, cause, model_path,
     artifact_sha256, artifact_bytes, trained_at, training_from, training_to, training_samples, training_ms,
     contamination, n_estimators, target_alarm_rate, metadata, created_at, updated_at)
SELECT gen_random_uuid(), series.tenant_id, series.device_id, series.metric_name, series.id,
       1 + coalesce((SELECT max(version) FROM public.ml_models AS earlier
                     WHERE (earlier.tenant_id, earlier.device_id, earlier.metric_name)
                         = (series.tenant_id, series.device_id, series.metric_name)), 0),
       %(kind)s, 'candidate', %(cause)s, %(artifact_uri)s, %(artifact_sha256)s, %(artifact_bytes)s,
       %(trained_at)s, %(training_from)s, %(training_to)s, %(training_samples)s, %(training_ms)s,
       %(contamination)s, %(n_estimators)s, %(target_alarm_rate)s, %(metadata)s, %(trained_at)s, %(trained_at)s
FROM ml_health.series
WHERE series.id = %(series_id)s
RETURNING id AS model_id, series_id, version, model_type AS kind, status, created_at, trained_at, promoted_at,
          retired_at, updated_at, training_from, training_to, training_samples, training_ms, contamination, n_estimators,
          target_alarm_rate, artifact_sha256, artifact_bytes, artifact_purged_at, pinned, adopted, cause,
          outcome_reason, metadata;

-- standing --
-- One version as a promoter or purger must see it.
SELECT series_id, version, status, pinned, cause, artifact_sha256, artifact_purged_at
FROM public.ml_models
WHERE id = %(model_id)s;

-- champion --
-- The active version of a series.
SELECT id, version, pinned FROM public.ml_models WHERE series_id = %(series_id)s AND status = 'active';

-- retire --
-- The champion steps down.
UPDATE public.ml_models
SET status = 'retired', retired_at = %(at)s, outcome_reason = %(reason)s, updated_at = %(at)s
WHERE id = %(model_id)s;

-- activate --
-- The challenger becomes the champion.
UPDATE public.ml_models
SET status = 'active', promoted_at = %(at)s, retired_at = NULL, outcome_reason = %(reason)s, updated_at = %(at)s
WHERE id = %(model_id)s;

-- set_status --
-- Any other step of a version's life.
UPDATE public.ml_models
SET status = %(status)s, outcome_reason = %(reason)s, updated_at = %(at)s,
    retired_at = CASE WHEN status = 'active' THEN %(at)s ELSE retired_at END,
    artifact_purged_at = CASE WHEN %(status)s = 'purged' THEN %(at)s ELSE artifact_purged_at END
WHERE id = %(model_id)s;

-- pin --
-- Keep a version, or no longer; nothing to do where it stands so already.
UPDATE public.ml_models SET pinned = %(pinned)s, updated_at = %(at)s
WHERE id = %(model_id)s AND pinned IS DISTINCT FROM %(pinned)s;

-- insert_events --
-- What was done, and why.
INSERT INTO ml_health.model_event (happened_at, series_id, model_id, event, cause, reason, evidence)
VALUES %s;
