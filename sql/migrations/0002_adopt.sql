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
    site text NOT NULL DEFAULT 'main',
    CONSTRAINT series_named_once UNIQUE (tenant_id, device_id, metric_name)
);

-- What this migration would break or silently cut off is told before anything is done.
DO $$
DECLARE
    models CONSTANT regclass := 'public.ml_models';
    detections CONSTANT regclass := 'public.anomaly_detections';
    obstacles text;
BEGIN
    SELECT string_agg(DISTINCT obstacle.words, '; ' ORDER BY obstacle.words) INTO obstacles
    FROM (
        SELECT format('view %s reads %s', view.oid::regclass, relation.oid::regclass) AS words
        FROM pg_depend AS use
        JOIN pg_class AS relation ON use.refclassid = 'pg_class'::regclass AND relation.oid = use.refobjid
        JOIN pg_rewrite AS rule ON use.classid = 'pg_rewrite'::regclass AND rule.oid = use.objid
        JOIN pg_class AS view ON view.oid = rule.ev_class AND view.oid <> relation.oid
        LEFT JOIN pg_attribute AS read ON read.attrelid = relation.oid AND read.attnum = use.refobjsubid
        -- A view on models may stay unless it reads a time; one on detections would see only the oldest part.
        WHERE relation.oid = detections OR (relation.oid = models AND read.atttypid = 'timestamp'::regtype)
        UNION ALL
        SELECT format('foreign key %s of %s refers to %s', conname, conrelid::regclass, detections)
        FROM pg_constraint WHERE contype = 'f' AND confrelid = detections
        UNION ALL
        SELECT format('trigger %s is on %s', tgname, detections)
        FROM pg_trigger WHERE tgrelid = detections AND NOT tgisinternal
        UNION ALL
        SELECT format('%s has row security', detections) FROM pg_class WHERE oid = detections AND relrowsecurity
        UNION ALL
        SELECT format('%s is no plain table', oid::regclass)
        FROM pg_class WHERE oid IN (models, detections) AND (relkind <> 'r' OR relispartition OR relhassubclass)
        UNION ALL
        SELECT format('column %s.%s takes no NULL and has no default', attrelid::regclass, attname)
        FROM pg_attribute
        WHERE attrelid IN (models, detections) AND attnum > 0 AND NOT attisdropped AND attnotnull AND NOT atthasdef
          AND attidentity = '' AND attname NOT IN
              ('id', 'tenant_id', 'device_id', 'metric_name', 'model_type', 'model_path', 'status', 'accuracy',
               'false_positive_rate', 'training_samples', 'contamination', 'n_estimators', 'trained_at',
               'last_used_at', 'created_at', 'updated_at', 'model_id', 'value', 'anomaly_score', 'is_anomaly',
               'confidence', 'timestamp', 'metadata', 'telemetry_id')
    ) AS obstacle;
    IF obstacles IS NOT NULL THEN
        RAISE EXCEPTION 'the tables of the platform cannot be adopted as they are: %', obstacles
            USING HINT = 'Save the definition of each view, key, trigger or policy named (pg_dump --schema-only), drop it, '
                         'give a column named a default; run `ml-health db migrate`, then make them again.';
    END IF;
END $$;

-- Zones: what was written was UTC.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT table_name, column_name, column_default FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name IN ('ml_models', 'anomaly_detections')
          AND data_type = 'timestamp without time zone'
        ORDER BY table_name, ordinal_position
    LOOP
        EXECUTE format('ALTER TABLE public.%1$I ALTER COLUMN %2$I DROP DEFAULT, '
                       'ALTER COLUMN %2$I TYPE timestamptz USING %2$I AT TIME ZONE ''UTC''',
                       item.table_name, item.column_name);
        IF item.column_default IS NOT NULL THEN
            EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I SET DEFAULT now()', item.table_name, item.column_name);
        END IF;
    END LOOP;
END $$;

-- Keys and rules that stand against many versions of a series, or against a log in parts.
DO $$
DECLARE
    models CONSTANT regclass := 'public.ml_models';
    detections CONSTANT regclass := 'public.anomaly_detections';
    item record;
BEGIN
    -- References: to a model they are made anew below, others stay without CASCADE.
    FOR item IN
        SELECT conname, conrelid::regclass AS relation, confrelid, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
        WHERE contype = 'f' AND conrelid IN (models, detections) AND (confrelid = models OR confdeltype = 'c')
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.relation, item.conname);
        IF item.confrelid <> models THEN
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', item.relation, item.conname,
                           replace(item.definition, 'ON DELETE CASCADE', 'ON DELETE RESTRICT'));
        END IF;
    END LOOP;
    -- One row a series and status was the defect; in the log no key without the time can hold across its parts.
    FOR item IN
        SELECT index.indrelid::regclass AS relation, index.indexrelid::regclass AS name, owned.conname
        FROM pg_index AS index
        LEFT JOIN pg_constraint AS owned ON owned.conindid = index.indexrelid AND owned.contype IN ('p', 'u', 'x')
        WHERE (index.indrelid = detections AND (index.indisunique OR index.indisexclusion))
           OR (index.indrelid = models AND index.indisunique AND NOT index.indisprimary AND NOT EXISTS (
               SELECT FROM pg_attribute
               WHERE attrelid = models AND attnum = ANY (index.indkey::smallint[])
                 AND attname NOT IN ('tenant_id', 'device_id', 'metric_name', 'model_type', 'status')
           ))
    LOOP
        IF item.conname IS NULL THEN
            EXECUTE format('DROP INDEX %s', item.name);
        ELSE
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.relation, item.conname);
        END IF;
    END LOOP;
    -- A list of states that does not know ours.
    FOR item IN
        SELECT conname FROM pg_constraint
        WHERE conrelid = models AND contype = 'c' AND conkey @> ARRAY[(
            SELECT attnum FROM pg_attribute WHERE attrelid = models AND attname = 'status'
        )]
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', models, item.conname);
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
-- Names that this program refuses: their rows stay, but nothing will be trained for them.
WHERE device_id ~ '\S' AND device_id !~ '["\\[:cntrl:]]' AND device_id !~ '(^|/)\.\.(/|$)'
  AND metric_name ~ '\S' AND metric_name !~ '["\\[:cntrl:]]' AND metric_name !~ '(^|/)\.\.(/|$)'
GROUP BY tenant_id, device_id, metric_name
ORDER BY tenant_id, device_id, metric_name;

-- Their files are pickles and are never opened, so none of them can be the active version.
DO $$
DECLARE
    -- The platform's own triggers would change what is only carried over, such as updated_at.
    sleeping name[] := ARRAY(
        SELECT tgname FROM pg_trigger
        WHERE tgrelid = 'public.ml_models'::regclass AND NOT tgisinternal AND tgenabled = 'O'
    );
    trigger_name name;
BEGIN
    FOREACH trigger_name IN ARRAY sleeping LOOP
        EXECUTE format('ALTER TABLE public.ml_models DISABLE TRIGGER %I', trigger_name);
    END LOOP;
    UPDATE public.ml_models AS model
    SET series_id = numbered.series_id,
        version = numbered.version,
        adopted = true,
        retired_at = coalesce(model.updated_at, model.trained_at, model.created_at),
        outcome_reason = 'adopted from the platform with status ' || coalesce(model.status, 'none'),
        status = 'retired',
        model_type = coalesce(model.model_type, 'isolation_forest'),
        created_at = coalesce(model.created_at, model.trained_at, 'epoch')
    FROM (
        SELECT model.id, series.id AS series_id,
               row_number() OVER (PARTITION BY model.tenant_id, model.device_id, model.metric_name
                                  ORDER BY coalesce(model.trained_at, model.created_at), model.id) AS version
        FROM public.ml_models AS model
        LEFT JOIN ml_health.series USING (tenant_id, device_id, metric_name)
    ) AS numbered
    WHERE numbered.id = model.id;
    FOREACH trigger_name IN ARRAY sleeping LOOP
        EXECUTE format('ALTER TABLE public.ml_models ENABLE TRIGGER %I', trigger_name);
    END LOOP;
END $$;

ALTER TABLE public.ml_models
    ALTER COLUMN id SET DEFAULT gen_random_uuid(),
    ALTER COLUMN model_type SET DEFAULT 'isolation_forest',
    ALTER COLUMN model_type SET NOT NULL,
    ALTER COLUMN status SET DEFAULT 'candidate',
    ALTER COLUMN status SET NOT NULL,
    ALTER COLUMN version SET NOT NULL,
    ALTER COLUMN created_at SET DEFAULT now(),
    ALTER COLUMN created_at SET NOT NULL,
    -- Not every detector or version has these.
    ALTER COLUMN model_path DROP NOT NULL,
    ALTER COLUMN accuracy DROP NOT NULL,
    ALTER COLUMN false_positive_rate DROP NOT NULL,
    ALTER COLUMN training_samples DROP NOT NULL,
    ALTER COLUMN contamination DROP NOT NULL,
    ALTER COLUMN n_estimators DROP NOT NULL,
    ALTER COLUMN trained_at DROP NOT NULL,
    ALTER COLUMN last_used_at DROP NOT NULL,
    ALTER COLUMN updated_at DROP NOT NULL,
    ADD CONSTRAINT ml_models_series_id_fkey FOREIGN KEY (series_id) REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    ADD CONSTRAINT ml_models_status_known CHECK (status IN
        ('candidate', 'shadow', 'active', 'retired', 'rejected', 'quarantined', 'purged')),
    ADD CONSTRAINT ml_models_of_a_series CHECK (series_id IS NOT NULL OR adopted),
    ADD CONSTRAINT ml_models_numbered_once UNIQUE (tenant_id, device_id, metric_name, version),
    ADD CONSTRAINT ml_models_purged_is_not_in_use CHECK (artifact_purged_at IS NULL OR
        (status IN ('retired', 'rejected', 'quarantined', 'purged') AND NOT pinned));
CREATE UNIQUE INDEX ml_models_one_active ON public.ml_models (tenant_id, device_id, metric_name) WHERE status = 'active';
CREATE INDEX ml_models_by_series ON public.ml_models (series_id, status);

-- The platform may go on writing models of its own, without our columns: they are kept like adopted ones.
CREATE FUNCTION ml_health.adopt_model() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Whoever numbers a version holds its series, here as in the program itself.
    SELECT series.id INTO NEW.series_id FROM ml_health.series
    WHERE (series.tenant_id, series.device_id, series.metric_name) = (NEW.tenant_id, NEW.device_id, NEW.metric_name)
    FOR UPDATE;
    NEW.version := 1 + coalesce((
        SELECT max(version) FROM public.ml_models AS earlier
        WHERE (earlier.tenant_id, earlier.device_id, earlier.metric_name)
            = (NEW.tenant_id, NEW.device_id, NEW.metric_name)
    ), 0);
    NEW.adopted := true;
    NEW.outcome_reason := 'written by the platform with status ' || coalesce(NEW.status, 'none');
    NEW.status := 'retired';
    NEW.retired_at := coalesce(NEW.updated_at, NEW.trained_at, NEW.created_at);
    RETURN NEW;
END $$;
CREATE TRIGGER ml_models_of_the_platform BEFORE INSERT ON public.ml_models
    FOR EACH ROW WHEN (NEW.version IS NULL) EXECUTE FUNCTION ml_health.adopt_model();

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
    ALTER COLUMN id SET DEFAULT gen_random_uuid(),
    ALTER COLUMN model_id DROP NOT NULL,
    ALTER COLUMN value DROP NOT NULL,
    ALTER COLUMN anomaly_score DROP NOT NULL,
    ALTER COLUMN is_anomaly DROP NOT NULL,
    ALTER COLUMN confidence DROP NOT NULL,
    ALTER COLUMN metadata DROP NOT NULL,
    ALTER COLUMN telemetry_id DROP NOT NULL;
UPDATE public.anomaly_detections
SET "timestamp" = 'epoch', metadata = coalesce(metadata, '{}') || '{"adopted": "the time was not recorded"}'
WHERE "timestamp" IS NULL OR NOT isfinite("timestamp");
ALTER TABLE public.anomaly_detections
    ALTER COLUMN "timestamp" SET DEFAULT now(),
    ALTER COLUMN "timestamp" SET NOT NULL;
ALTER TABLE public.anomaly_detections RENAME TO anomaly_detections_adopted;
DO $$
DECLARE
    adopted CONSTANT regclass := 'public.anomaly_detections_adopted';
    item record;
    adopted_until timestamptz;
BEGIN
    -- Whatever the platform had on its table holds for the whole log: indexes, checks, references, owner, rights.
    CREATE TABLE public.anomaly_detections (
        LIKE public.anomaly_detections_adopted INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES
    ) PARTITION BY RANGE ("timestamp");
    FOR item IN
        SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
        WHERE contype = 'f' AND conrelid = adopted
    LOOP
        EXECUTE format('ALTER TABLE public.anomaly_detections ADD CONSTRAINT %I %s', item.conname, item.definition);
    END LOOP;
    FOR item IN
        SELECT acl.privilege_type, acl.is_grantable, acl.grantee
        FROM pg_class CROSS JOIN LATERAL aclexplode(relacl) AS acl
        WHERE pg_class.oid = adopted AND acl.grantee <> relowner
    LOOP
        EXECUTE format('GRANT %s ON public.anomaly_detections TO %s%s', item.privilege_type,
                       CASE item.grantee WHEN 0 THEN 'PUBLIC' ELSE item.grantee::regrole::text END,
                       CASE WHEN item.is_grantable THEN ' WITH GRANT OPTION' END);
    END LOOP;
    -- Rows of a time that has no partition yet, such as the platform's own; they are sorted in when it gets one.
    CREATE TABLE public.anomaly_detections_default PARTITION OF public.anomaly_detections DEFAULT;
    -- A device's clock that runs years ahead must not make one partition of all that is still to come.
    SELECT (date_trunc('month', max("timestamp") AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'
    INTO adopted_until
    FROM public.anomaly_detections_adopted WHERE "timestamp" < now() + interval '1 day';
    WITH ahead AS (
        DELETE FROM public.anomaly_detections_adopted
        WHERE adopted_until IS NULL OR "timestamp" >= adopted_until
        RETURNING *
    )
    INSERT INTO public.anomaly_detections_default SELECT * FROM ahead;
    EXECUTE (
        SELECT format('ALTER TABLE public.anomaly_detections OWNER TO %s', relowner::regrole)
        FROM pg_class WHERE oid = adopted
    );
    IF adopted_until IS NULL THEN
        DROP TABLE public.anomaly_detections_adopted;
    ELSE
        EXECUTE format('ALTER TABLE public.anomaly_detections ATTACH PARTITION public.anomaly_detections_adopted '
                       'FOR VALUES FROM (MINVALUE) TO (%L)', adopted_until);
    END IF;
END $$;
ALTER TABLE public.anomaly_detections
    ADD CONSTRAINT anomaly_detections_pkey PRIMARY KEY (id, "timestamp"),
    ADD CONSTRAINT anomaly_detections_scored_once UNIQUE (series_id, "timestamp"),
    ADD CONSTRAINT anomaly_detections_model_id_fkey FOREIGN KEY (model_id) REFERENCES public.ml_models (id) ON DELETE RESTRICT;
CREATE INDEX anomaly_detections_flagged ON public.anomaly_detections ("timestamp") WHERE is_anomaly;
CREATE INDEX anomaly_detections_of_device ON public.anomaly_detections (device_id, metric_name, "timestamp");
CREATE INDEX anomaly_detections_of_model ON public.anomaly_detections (model_id);
