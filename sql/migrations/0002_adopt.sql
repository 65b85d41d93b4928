-- Bring the platform's two tables to today's form without losing a row: zones explicit (they were UTC),
-- the UNIQUE that made a third training fail gone, no CASCADE, the tenant in every row, one active version
-- a series by constraint, and the anomaly log partitioned by time.

CREATE TABLE ml_health.series (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    device_id varchar(255) NOT NULL,
    metric_name varchar(255) NOT NULL,
    state text NOT NULL DEFAULT 'collecting'
        CONSTRAINT series_state_known CHECK (state IN ('collecting', 'modelled', 'unmodellable', 'circuit_open')),
    state_reason text,
    discovered_at timestamptz NOT NULL,
    newest_reading_at timestamptz,
    trainable_at timestamptz,
    training_failures integer NOT NULL DEFAULT 0,
    circuit_open_until timestamptz,
    health text NOT NULL DEFAULT 'unknown'
        CONSTRAINT series_health_known
        CHECK (health IN ('healthy', 'stale', 'degraded', 'no_data', 'broken', 'unknown')),
    health_reasons text[] NOT NULL DEFAULT '{}',
    health_checked_at timestamptz,
    muted_until timestamptz,
    mute_reason text,
    CONSTRAINT series_named_once UNIQUE (tenant_id, device_id, metric_name)
);

-- Zones and constraints of whatever form was found.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name IN ('ml_models', 'anomaly_detections')
          AND data_type = 'timestamp without time zone'
        ORDER BY table_name, ordinal_position
    LOOP
        EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I DROP DEFAULT, '
                       'ALTER COLUMN %I TYPE timestamptz USING %I AT TIME ZONE ''UTC''',
                       item.table_name, item.column_name, item.column_name, item.column_name);
    END LOOP;
    FOR item IN
        SELECT conname, conrelid::regclass AS relation, contype, confdeltype, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
        WHERE conrelid IN ('public.ml_models'::regclass, 'public.anomaly_detections'::regclass)
          AND (contype IN ('u', 'c') OR (contype = 'f' AND confdeltype = 'c'))
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.relation, item.conname);
        -- The reference to ml_models is made anew below; a platform's other references stay, without CASCADE.
        IF item.contype = 'f' AND item.definition NOT LIKE '%ml_models(%' THEN
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', item.relation, item.conname,
                           replace(item.definition, 'ON DELETE CASCADE', 'ON DELETE RESTRICT'));
        END IF;
    END LOOP;
    -- Any other reference from detections to models, whatever it did on delete.
    FOR item IN
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'public.anomaly_detections'::regclass AND confrelid = 'public.ml_models'::regclass
    LOOP
        EXECUTE format('ALTER TABLE public.anomaly_detections DROP CONSTRAINT %I', item.conname);
    END LOOP;
END $$;

ALTER TABLE public.ml_models
    ADD COLUMN IF NOT EXISTS tenant_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN series_id bigint,
    ADD COLUMN version integer,
    ADD COLUMN cause text,
    ADD COLUMN outcome_reason text,
    ADD COLUMN artifact_sha256 text,
    ADD COLUMN artifact_bytes bigint,
    ADD COLUMN artifact_purged_at timestamptz,
    ADD COLUMN training_from timestamptz,
    ADD COLUMN training_to timestamptz,
    ADD COLUMN training_ms double precision,
    ADD COLUMN target_alarm_rate double precision,
    ADD COLUMN promoted_at timestamptz,
    ADD COLUMN retired_at timestamptz,
    ADD COLUMN pinned boolean NOT NULL DEFAULT false,
    ADD COLUMN adopted boolean NOT NULL DEFAULT false,
    ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}';

INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at, state_reason)
SELECT tenant_id, device_id, metric_name, min(coalesce(created_at, trained_at, 'epoch')),
       'adopted from the platform; its model is retrained first'
FROM public.ml_models
WHERE device_id !~ '["\\[:cntrl:]]' AND metric_name !~ '["\\[:cntrl:]]'
GROUP BY tenant_id, device_id, metric_name
ORDER BY tenant_id, device_id, metric_name;

-- Their files are pickles and are never opened, so none of them can be the active version.
UPDATE public.ml_models AS model
SET series_id = numbered.series_id,
    version = numbered.version,
    adopted = true,
    retired_at = coalesce(model.updated_at, model.trained_at, model.created_at),
    outcome_reason = 'adopted from the platform with status ' || coalesce(model.status, 'none'),
    status = 'retired',
    created_at = coalesce(model.created_at, model.trained_at, 'epoch')
FROM (
    SELECT model.id, series.id AS series_id,
           row_number() OVER (PARTITION BY model.tenant_id, model.device_id, model.metric_name
                              ORDER BY coalesce(model.trained_at, model.created_at), model.id) AS version
    FROM public.ml_models AS model
    LEFT JOIN ml_health.series USING (tenant_id, device_id, metric_name)
) AS numbered
WHERE numbered.id = model.id;
UPDATE public.ml_models SET model_type = 'isolation_forest' WHERE model_type IS NULL;

ALTER TABLE public.ml_models
    ALTER COLUMN id SET DEFAULT gen_random_uuid(),
    ALTER COLUMN model_type SET DEFAULT 'isolation_forest',
    ALTER COLUMN model_type SET NOT NULL,
    ALTER COLUMN status SET DEFAULT 'candidate',
    ALTER COLUMN status SET NOT NULL,
    ALTER COLUMN version SET NOT NULL,
    ALTER COLUMN created_at SET DEFAULT now(),
    ALTER COLUMN created_at SET NOT NULL,
    ADD CONSTRAINT ml_models_series_id_fkey FOREIGN KEY (series_id) REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    ADD CONSTRAINT ml_models_status_known CHECK (status IN
        ('candidate', 'shadow', 'active', 'retired', 'rejected', 'quarantined', 'purged')),
    ADD CONSTRAINT ml_models_of_a_series CHECK (series_id IS NOT NULL OR adopted),
    ADD CONSTRAINT ml_models_numbered_once UNIQUE (tenant_id, device_id, metric_name, version),
    ADD CONSTRAINT ml_models_purged_is_not_in_use CHECK (artifact_purged_at IS NULL OR
        (status IN ('retired', 'rejected', 'quarantined', 'purged') AND NOT pinned));
CREATE UNIQUE INDEX ml_models_one_active ON public.ml_models (tenant_id, device_id, metric_name) WHERE status = 'active';
CREATE INDEX ml_models_by_series ON public.ml_models (series_id, status);

-- The anomaly log: what was there becomes the first partition as it is, so no row is copied.
ALTER TABLE public.anomaly_detections
    ADD COLUMN IF NOT EXISTS tenant_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN series_id bigint,
    ADD COLUMN frozen_score double precision,
    ADD COLUMN severity double precision,
    ADD COLUMN band_low double precision,
    ADD COLUMN band_high double precision,
    ADD COLUMN episode_id bigint,
    ADD COLUMN detected_at timestamptz,
    ALTER COLUMN id SET DEFAULT gen_random_uuid();
UPDATE public.anomaly_detections
SET "timestamp" = 'epoch', metadata = coalesce(metadata, '{}') || '{"adopted": "the time was not recorded"}'
WHERE "timestamp" IS NULL;
ALTER TABLE public.anomaly_detections
    ALTER COLUMN "timestamp" SET DEFAULT now(),
    ALTER COLUMN "timestamp" SET NOT NULL;
ALTER TABLE public.anomaly_detections RENAME TO anomaly_detections_adopted;
DO $$
DECLARE
    item record;
    newest timestamptz;
BEGIN
    -- Its own primary key and indexes would shadow or clash with those of the parent.
    FOR item IN
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'public.anomaly_detections_adopted'::regclass AND contype = 'p'
    LOOP
        EXECUTE format('ALTER TABLE public.anomaly_detections_adopted DROP CONSTRAINT %I', item.conname);
    END LOOP;
    EXECUTE 'CREATE TABLE public.anomaly_detections (LIKE public.anomaly_detections_adopted INCLUDING DEFAULTS) '
            'PARTITION BY RANGE ("timestamp")';
    SELECT max("timestamp") INTO newest FROM public.anomaly_detections_adopted;
    IF newest IS NULL THEN
        DROP TABLE public.anomaly_detections_adopted;
    ELSE
        EXECUTE format('ALTER TABLE public.anomaly_detections ATTACH PARTITION public.anomaly_detections_adopted '
                       'FOR VALUES FROM (MINVALUE) TO (%L)',
                       date_trunc('month', newest AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 month');
    END IF;
END $$;
ALTER TABLE public.anomaly_detections
    ADD CONSTRAINT anomaly_detections_pkey PRIMARY KEY (id, "timestamp"),
    ADD CONSTRAINT anomaly_detections_scored_once UNIQUE (series_id, "timestamp"),
    ADD CONSTRAINT anomaly_detections_model_id_fkey FOREIGN KEY (model_id) REFERENCES public.ml_models (id) ON DELETE RESTRICT;
CREATE INDEX anomaly_detections_flagged ON public.anomaly_detections ("timestamp") WHERE is_anomaly;
CREATE INDEX anomaly_detections_of_device ON public.anomaly_detections (device_id, metric_name, "timestamp");
CREATE INDEX anomaly_detections_of_model ON public.anomaly_detections (model_id);
