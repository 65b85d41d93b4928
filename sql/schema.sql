-- The schema as it is today, to read. Databases are made and carried on by sql/migrations (`ml-health db migrate`);
-- a test holds that both end in the same structure. Views of schema grafana are in sql/views, rights in sql/roles.sql.
-- All moments are timestamptz. No reference deletes along with what it refers to.

CREATE SCHEMA ml_health;

-- Which migrations this database has seen; written by the migrator alone.
CREATE TABLE ml_health.schema_version (
    version integer NOT NULL PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL
);


-- SERIES ---------------------------------------------------------------------------------------------------------
-- A series is (tenant, device, metric); a site without tenants has one fixed tenant, all zeros. Its state says where
-- it stands in life, its health how its model does: two axes.

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


-- MODELS ---------------------------------------------------------------------------------------------------------
-- The platform's table, one row a model version. Columns up to updated_at are the platform's own and keep their names,
-- as other programs read them. At most one version of a series is active, by constraint. Adopted versions are the
-- platform's own models: their pickles are never opened, so they are retired.

CREATE TABLE public.ml_models (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    device_id varchar(255) NOT NULL,
    metric_name varchar(255) NOT NULL,
    model_type varchar(50) NOT NULL DEFAULT 'isolation_forest',
    model_path text,
    status varchar(50) NOT NULL DEFAULT 'candidate'
        CONSTRAINT ml_models_status_known CHECK (status IN
            ('candidate', 'shadow', 'active', 'retired', 'rejected', 'quarantined', 'purged')),
    accuracy double precision,
    false_positive_rate double precision,
    training_samples integer,
    contamination double precision,
    n_estimators integer,
    trained_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz,
    tenant_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    series_id bigint REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    version integer NOT NULL,
    cause text,
    outcome_reason text,
    artifact_sha256 text,
    artifact_bytes bigint,
    artifact_purged_at timestamptz,
    training_from timestamptz,
    training_to timestamptz,
    training_ms double precision,
    target_alarm_rate double precision,
    promoted_at timestamptz,
    retired_at timestamptz,
    pinned boolean NOT NULL DEFAULT false,
    adopted boolean NOT NULL DEFAULT false,
    metadata jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT ml_models_of_a_series CHECK (series_id IS NOT NULL OR adopted),
    CONSTRAINT ml_models_numbered_once UNIQUE (tenant_id, device_id, metric_name, version),
    CONSTRAINT ml_models_purged_is_not_in_use CHECK (artifact_purged_at IS NULL OR
        (status IN ('retired', 'rejected', 'quarantined', 'purged') AND NOT pinned))
);
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


-- ANOMALY LOG ----------------------------------------------------------------------------------------------------
-- The platform's table, one row a flagged reading (every reading with scoring.log_normal), in monthly partitions that
-- expire as a whole. Columns up to telemetry_id are the platform's own. What was there at adoption is the partition
-- anomaly_detections_adopted.

CREATE TABLE public.anomaly_detections (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    model_id uuid REFERENCES public.ml_models (id) ON DELETE RESTRICT,
    device_id varchar(255) NOT NULL,
    metric_name varchar(255) NOT NULL,
    value double precision,
    anomaly_score double precision,
    is_anomaly boolean,
    confidence double precision,
    "timestamp" timestamptz NOT NULL DEFAULT now(),
    metadata jsonb,
    telemetry_id uuid,
    tenant_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    series_id bigint,
    frozen_score double precision,
    severity double precision,
    band_low double precision,
    band_high double precision,
    episode_id bigint,
    detected_at timestamptz,
    -- With the time, as a key of a partitioned table must hold it.
    PRIMARY KEY (id, "timestamp"),
    CONSTRAINT anomaly_detections_scored_once UNIQUE (series_id, "timestamp")
) PARTITION BY RANGE ("timestamp");
-- Rows of a time that has no partition yet, such as the platform's own; they are sorted in when it gets one.
CREATE TABLE public.anomaly_detections_default PARTITION OF public.anomaly_detections DEFAULT;
CREATE INDEX anomaly_detections_flagged ON public.anomaly_detections ("timestamp") WHERE is_anomaly;
CREATE INDEX anomaly_detections_of_device ON public.anomaly_detections (device_id, metric_name, "timestamp");
CREATE INDEX anomaly_detections_of_model ON public.anomaly_detections (model_id);

-- TELEMETRY --------------------------------------------------------------------------------------------------------
-- Readings, and those that an import refused. A site that has its own relation maps it in [telemetry] instead.

-- Telemetry, where the platform has no relation of its own to map.
CREATE TABLE ml_health.telemetry (
    tenant_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    device_id varchar(255) NOT NULL,
    metric_name varchar(255) NOT NULL,
    "timestamp" timestamptz NOT NULL,
    value double precision NOT NULL
        CONSTRAINT telemetry_value_finite CHECK (value > '-Infinity' AND value < 'Infinity'),
    PRIMARY KEY (tenant_id, device_id, metric_name, "timestamp")
);

-- Rows that an import refused, as they came, each with its reason.
CREATE TABLE ml_health.rejected_reading (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    line bigint NOT NULL,
    raw text NOT NULL,
    reason text NOT NULL,
    rejected_at timestamptz NOT NULL,
    CONSTRAINT rejected_reading_kept_once UNIQUE (source, line, raw)
);


-- RUNS -------------------------------------------------------------------------------------------------------------
-- What was run, when, by whom, and what became of each series in it.

-- One row a (task, slot): a slot runs once however many hosts call it.
CREATE TABLE ml_health.run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task text NOT NULL,
    slot timestamptz NOT NULL,
    attempt integer NOT NULL DEFAULT 1,
    outcome text NOT NULL
        CONSTRAINT run_outcome_known CHECK (outcome IN ('running', 'succeeded', 'partial', 'failed', 'skipped', 'interrupted')),
    reason text,
    params jsonb NOT NULL DEFAULT '{}',
    counts jsonb NOT NULL DEFAULT '{}',
    owner text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    duration_ms double precision,
    CONSTRAINT run_once_a_slot UNIQUE (task, slot)
);

-- What a run did to each series, so that an interrupted run resumes and no failure is silent.
CREATE TABLE ml_health.run_item (
    run_id bigint NOT NULL REFERENCES ml_health.run (id) ON DELETE RESTRICT,
    series_id bigint NOT NULL REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    outcome text NOT NULL
        CONSTRAINT run_item_outcome_known CHECK (outcome IN ('started', 'succeeded', 'failed', 'skipped')),
    reason text,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, series_id)
);


-- SCORING ----------------------------------------------------------------------------------------------------------
-- Where scoring stands, what it found, and what it did.

-- What has been seen since the model was made: saved with the detections in one transaction.
CREATE TABLE ml_health.detector_state (
    series_id bigint PRIMARY KEY REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    model_id uuid NOT NULL REFERENCES public.ml_models (id) ON DELETE RESTRICT,
    state bytea NOT NULL DEFAULT '',
    scored_from timestamptz NOT NULL,
    watermark timestamptz NOT NULL,
    recent timestamptz[] NOT NULL DEFAULT '{}',
    revision bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL
);
COMMENT ON COLUMN ml_health.detector_state.scored_from IS
    'Readings up to here were there before scoring began (the first model learned from them): never scored.';
COMMENT ON COLUMN ml_health.detector_state.revision IS
    'Rises with every change: whoever scored from an older one writes nothing.';
COMMENT ON COLUMN ml_health.detector_state.recent IS
    'Instants scored within the lateness window behind the watermark: a late reading is one that is not among them.';

-- Overlapping episodes of a device's metrics, told as one, and what those metrics say of it together.
CREATE TABLE ml_health.device_episode (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    device_id varchar(255) NOT NULL,
    metrics text[] NOT NULL,
    opened_at timestamptz NOT NULL,
    last_alarm_at timestamptz NOT NULL,
    closed_at timestamptz,
    alarms bigint NOT NULL,
    judgement text NOT NULL
        CONSTRAINT device_episode_judgement_known CHECK (judgement IN ('machine', 'sensor', 'unknown')),
    suspect text,
    words text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}',
    is_settled boolean NOT NULL,
    told_judgement text,
    alerted_at timestamptz,
    is_heard boolean NOT NULL
);
COMMENT ON COLUMN ml_health.device_episode.metrics IS 'Metrics that had an episode in it, in the order in which they began.';
COMMENT ON COLUMN ml_health.device_episode.suspect IS 'The metric whose sensor is suspected.';
COMMENT ON COLUMN ml_health.device_episode.evidence IS
    'What moved with it, and what usually agrees with the metric that alarmed first, with figures.';
COMMENT ON COLUMN ml_health.device_episode.is_settled IS
    'Whether all that came with the onset was known when it was judged; else it is judged again.';
CREATE UNIQUE INDEX device_episode_one_open ON ml_health.device_episode (tenant_id, device_id) WHERE closed_at IS NULL;
CREATE INDEX device_episode_by_time ON ml_health.device_episode (tenant_id, device_id, opened_at);

-- Consecutive anomalies, told once.
CREATE TABLE ml_health.episode (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    series_id bigint NOT NULL REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    opened_at timestamptz NOT NULL,
    last_alarm_at timestamptz NOT NULL,
    closed_at timestamptz,
    alarms bigint NOT NULL,
    quiet_readings integer NOT NULL DEFAULT 0,
    peak_score double precision NOT NULL,
    peak_value double precision NOT NULL,
    peak_at timestamptz NOT NULL,
    alerted_at timestamptz,
    is_heard boolean NOT NULL DEFAULT false,
    by_device boolean NOT NULL DEFAULT false,
    device_episode_id bigint REFERENCES ml_health.device_episode (id) ON DELETE RESTRICT
);
COMMENT ON COLUMN ml_health.episode.by_device IS 'Whether it is told with the other metrics of its device.';
COMMENT ON COLUMN ml_health.episode.alerted_at IS 'The alarm up to which alerts were written.';
COMMENT ON COLUMN ml_health.episode.is_heard IS 'Whether anybody was told that it opened, rather than spared.';
CREATE UNIQUE INDEX episode_one_open ON ml_health.episode (series_id) WHERE closed_at IS NULL;
CREATE INDEX episode_by_time ON ml_health.episode (series_id, opened_at);
CREATE INDEX episode_to_join ON ml_health.episode (opened_at) WHERE by_device AND device_episode_id IS NULL;
CREATE INDEX episode_of_device ON ml_health.episode (device_episode_id) WHERE device_episode_id IS NOT NULL;

-- What is to be told of episodes: at their opening, now and then while they last, and at their end. Written with the
-- episode, so none is lost; those that a snooze or a maintenance spares people from are kept with that reason.
CREATE TABLE ml_health.alert_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    episode_id bigint NOT NULL REFERENCES ml_health.episode (id) ON DELETE RESTRICT,
    series_id bigint NOT NULL REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    kind text NOT NULL CONSTRAINT alert_event_kind_known CHECK (kind IN ('opened', 'updated', 'closed')),
    happened_at timestamptz NOT NULL,
    alarms bigint NOT NULL,
    peak_score double precision NOT NULL,
    peak_value double precision NOT NULL,
    peak_at timestamptz NOT NULL,
    skipped_reason text,
    written_at timestamptz NOT NULL,
    device jsonb
);
COMMENT ON COLUMN ml_health.alert_event.device IS
    'Of an episode that is told with others of its device: number, metrics, judgement and words as they stood.';
CREATE INDEX alert_event_to_tell ON ml_health.alert_event (written_at) WHERE skipped_reason IS NULL;
CREATE INDEX alert_event_of_episode ON ml_health.alert_event (episode_id);

-- Which channel has told which event.
CREATE TABLE ml_health.alert_delivery (
    event_id bigint NOT NULL REFERENCES ml_health.alert_event (id) ON DELETE RESTRICT,
    channel text NOT NULL,
    delivered_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, channel)
);

-- Times in which people are spared alerts, or readings are not learned from: maintenance, and snoozes of one series.
CREATE TABLE ml_health.quiet_time (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT quiet_time_kind_known CHECK (kind IN ('snooze', 'maintenance')),
    tenant_id uuid,
    pattern text NOT NULL,
    begins_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    skips text[] NOT NULL
        CONSTRAINT quiet_time_skips_known CHECK (skips <@ ARRAY['alerts', 'training'] AND cardinality(skips) > 0),
    reason text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    removed_at timestamptz,
    CONSTRAINT quiet_time_ends_after_it_begins CHECK (ends_at > begins_at)
);
COMMENT ON COLUMN ml_health.quiet_time.tenant_id IS 'Whose series are meant; NULL: every tenant''s.';
COMMENT ON COLUMN ml_health.quiet_time.pattern IS 'Shell pattern of DEVICE:METRIC.';
CREATE INDEX quiet_time_by_end ON ml_health.quiet_time (ends_at) WHERE removed_at IS NULL;

-- What scoring did, an hour a row. Latency is the wall time of a scoring call in milliseconds; bucket i counts
-- calls of at most the i-th bound of ml_core.domain.scoring.rollup.LATENCY_BOUNDS_MS, the last one those above all.
CREATE TABLE ml_health.activity_hourly (
    series_id bigint NOT NULL REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    hour timestamptz NOT NULL,
    scored bigint NOT NULL,
    anomalies bigint NOT NULL,
    episodes bigint NOT NULL,
    late bigint NOT NULL,
    dropped bigint NOT NULL,
    out_of_range bigint NOT NULL,
    calls bigint NOT NULL,
    latency_ms_sum double precision NOT NULL,
    latency_buckets bigint[] NOT NULL,
    PRIMARY KEY (series_id, hour)
);
CREATE INDEX activity_hourly_by_hour ON ml_health.activity_hourly (hour);

-- The same by site and metric, for dashboards over thousands of series: written in the transaction that adds to the
-- hours of single series. `expected_alarms` is what the targets of the models that scored let expect.
CREATE TABLE ml_health.fleet_hourly (
    hour timestamptz NOT NULL,
    tenant_id uuid NOT NULL,
    site text NOT NULL,
    metric_name varchar(255) NOT NULL,
    scored bigint NOT NULL,
    anomalies bigint NOT NULL,
    episodes bigint NOT NULL,
    late bigint NOT NULL,
    dropped bigint NOT NULL,
    out_of_range bigint NOT NULL,
    calls bigint NOT NULL,
    latency_ms_sum double precision NOT NULL,
    latency_buckets bigint[] NOT NULL,
    expected_alarms double precision NOT NULL,
    PRIMARY KEY (hour, tenant_id, site, metric_name)
);


-- HEALTH -----------------------------------------------------------------------------------------------------------
-- Checks, what they found, the incidents behind it, and what the issue tracker is to be told.

-- Every check of every run, with the evidence behind its verdict.
CREATE TABLE ml_health.check_result (
    run_id bigint NOT NULL REFERENCES ml_health.run (id) ON DELETE RESTRICT,
    series_id bigint NOT NULL REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    check_name text NOT NULL,
    model_id uuid REFERENCES public.ml_models (id) ON DELETE RESTRICT,
    verdict text NOT NULL
        CONSTRAINT check_result_verdict_known CHECK (verdict IN ('ok', 'warn', 'fail', 'unknown')),
    value double precision,
    threshold double precision,
    reason text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}',
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, series_id, check_name)
);
CREATE INDEX check_result_latest ON ml_health.check_result (series_id, check_name, checked_at DESC);

-- Findings of one cause, and the GitHub issue that stands for them. The ledger is the truth.
CREATE TABLE ml_health.incident (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint text NOT NULL,
    sequence integer NOT NULL,
    check_name text NOT NULL,
    scope text NOT NULL,
    severity text NOT NULL CONSTRAINT incident_severity_known CHECK (severity IN ('warning', 'critical')),
    title text NOT NULL,
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    resolved_at timestamptz,
    healthy_runs integer NOT NULL DEFAULT 0,
    occurrences integer NOT NULL DEFAULT 1,
    issue_number bigint,
    issue_url text,
    issue_status text CONSTRAINT incident_issue_status_known CHECK (issue_status IN ('open', 'closed', 'left_alone')),
    issue_closed_at timestamptz,
    sent_digest text,
    last_comment_at timestamptz,
    previous_issue_url text,
    CONSTRAINT incident_numbered_once UNIQUE (fingerprint, sequence)
);
CREATE UNIQUE INDEX incident_one_open ON ml_health.incident (fingerprint) WHERE resolved_at IS NULL;

-- One (check, series) that is wrong now, or was; series_id is empty where the fleet itself is meant.
CREATE TABLE ml_health.finding (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    check_name text NOT NULL,
    series_id bigint REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    sequence integer NOT NULL,
    severity text NOT NULL CONSTRAINT finding_severity_known CHECK (severity IN ('warning', 'critical')),
    message text NOT NULL,
    value double precision,
    threshold double precision,
    evidence jsonb NOT NULL DEFAULT '{}',
    model_id uuid REFERENCES public.ml_models (id) ON DELETE RESTRICT,
    incident_id bigint REFERENCES ml_health.incident (id) ON DELETE RESTRICT,
    opened_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    occurrences integer NOT NULL DEFAULT 1,
    resolved_at timestamptz CONSTRAINT finding_resolved_after_opened CHECK (resolved_at >= opened_at),
    resolved_reason text
);
CREATE UNIQUE INDEX finding_one_open ON ml_health.finding (check_name, coalesce(series_id, 0)) WHERE resolved_at IS NULL;
CREATE INDEX finding_of_incident ON ml_health.finding (incident_id);

-- What is to be said to the issue tracker: written with its cause, sent by one sender.
CREATE TABLE ml_health.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES ml_health.incident (id) ON DELETE RESTRICT,
    action text NOT NULL CONSTRAINT outbox_action_known CHECK (action IN ('open', 'update', 'comment', 'close', 'reopen')),
    payload jsonb NOT NULL,
    status text NOT NULL DEFAULT 'pending'
        CONSTRAINT outbox_status_known CHECK (status IN ('pending', 'sending', 'sent', 'parked', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    holds_others boolean NOT NULL DEFAULT true,
    not_before timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    sending_at timestamptz,
    finished_at timestamptz,
    error text
);
CREATE UNIQUE INDEX outbox_one_waiting ON ml_health.outbox (incident_id, action) WHERE status IN ('pending', 'parked');
CREATE INDEX outbox_to_send ON ml_health.outbox (not_before) WHERE status IN ('pending', 'sending', 'parked');


-- MODEL LIFE -------------------------------------------------------------------------------------------------------
-- What was done to models, the ground they are compared on, and what people say of their alarms.

-- What was done to models, and why.
CREATE TABLE ml_health.model_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    happened_at timestamptz NOT NULL,
    series_id bigint NOT NULL REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    model_id uuid REFERENCES public.ml_models (id) ON DELETE RESTRICT,
    event text NOT NULL CONSTRAINT model_event_known CHECK (event IN
        ('trained', 'shadowed', 'promoted', 'not_promoted', 'failed', 'cancelled', 'rolled_back', 'quarantined',
         'purged', 'pinned', 'unpinned')),
    cause text,
    reason text,
    evidence jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX model_event_of_series ON ml_health.model_event (series_id, happened_at);
CREATE INDEX model_event_by_time ON ml_health.model_event (happened_at);

-- Clean readings kept across versions: the ground on which champion and challenger are compared.
CREATE TABLE ml_health.gold_window (
    series_id bigint PRIMARY KEY REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    model_id uuid NOT NULL REFERENCES public.ml_models (id) ON DELETE RESTRICT,
    timestamps timestamptz[] NOT NULL,
    readings double precision[] NOT NULL,
    rebased_at timestamptz NOT NULL
);

-- What operators said of alarms: append-only. No foreign key, so that old partitions can be dropped.
CREATE TABLE ml_health.verdict (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    detection_id uuid NOT NULL,
    detection_timestamp timestamptz NOT NULL,
    series_id bigint NOT NULL REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    verdict text NOT NULL CONSTRAINT verdict_known CHECK (verdict IN ('confirmed', 'false_alarm', 'missed', 'normal')),
    given_by text NOT NULL,
    given_at timestamptz NOT NULL,
    note text,
    episode_id bigint,
    window_until timestamptz,
    CONSTRAINT verdict_window_is_quiet CHECK (window_until IS NULL OR
        (window_until > detection_timestamp AND verdict IN ('missed', 'normal')))
);
COMMENT ON COLUMN ml_health.verdict.detection_id IS
    'The reading spoken of: its row in the anomaly log, an audited hour in audit_sample, or a name made of a stretch.';
COMMENT ON COLUMN ml_health.verdict.episode_id IS
    'Alarms of one episode are told together: reviews are counted on episodes.';
COMMENT ON COLUMN ml_health.verdict.window_until IS
    'A verdict on a stretch of time that was not flagged: it begins at detection_timestamp and ends here.';
CREATE INDEX verdict_latest ON ml_health.verdict (detection_id, id DESC);
CREATE INDEX verdict_of_series ON ml_health.verdict (series_id, detection_timestamp);

-- Hours drawn at random from those with unflagged readings, for people to look at: what alarms cannot tell.
CREATE TABLE ml_health.audit_sample (
    id uuid PRIMARY KEY,
    series_id bigint NOT NULL REFERENCES ml_health.series (id) ON DELETE RESTRICT,
    hour timestamptz NOT NULL,
    readings bigint NOT NULL CONSTRAINT audit_sample_has_readings CHECK (readings > 0),
    probability double precision NOT NULL
        CONSTRAINT audit_sample_probability CHECK (probability > 0 AND probability <= 1),
    drawn_at timestamptz NOT NULL,
    CONSTRAINT audit_sample_drawn_once UNIQUE (series_id, hour)
);
COMMENT ON COLUMN ml_health.audit_sample.probability IS
    'With which this hour was drawn: an answer counts for 1/probability hours like it.';
CREATE INDEX audit_sample_by_hour ON ml_health.audit_sample (hour);


-- What a purge, or anybody else, may never take: beside the active and the pinned version, which a constraint keeps,
-- the version that a roll back would bring back, and one that something still open speaks of.
CREATE FUNCTION ml_health.keep_needed_model() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    needed text;
BEGIN
    IF OLD.status = 'active' THEN
        needed := 'is the active one';
    ELSIF OLD.pinned THEN
        needed := 'is pinned';
    ELSIF OLD.status = 'retired' AND NOT EXISTS (
        SELECT FROM public.ml_models AS later
        WHERE later.series_id = OLD.series_id AND later.status = 'retired'
          AND later.artifact_sha256 IS NOT NULL AND later.artifact_purged_at IS NULL
          AND (coalesce(later.retired_at, later.created_at), later.version)
            > (coalesce(OLD.retired_at, OLD.created_at), OLD.version)
    ) THEN
        needed := 'is the one before the active one, to which a roll back would return';
    ELSIF EXISTS (
        SELECT FROM ml_health.finding
        LEFT JOIN ml_health.incident ON incident.id = finding.incident_id
        WHERE finding.model_id = OLD.id
          AND (finding.resolved_at IS NULL OR (incident.id IS NOT NULL AND incident.resolved_at IS NULL))
    ) THEN
        needed := 'is spoken of by an open finding or incident';
    END IF;
    IF needed IS NOT NULL THEN
        RAISE EXCEPTION 'version % of series % % and stays', OLD.version, OLD.series_id, needed
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER ml_models_kept_from_purge BEFORE UPDATE ON public.ml_models
    FOR EACH ROW WHEN (
        (NEW.artifact_purged_at IS NOT NULL AND OLD.artifact_purged_at IS NULL)
        OR (NEW.status = 'purged' AND OLD.status <> 'purged')
        -- Without its name or its series a file is taken for an orphan.
        OR ((NEW.artifact_sha256 IS DISTINCT FROM OLD.artifact_sha256 OR NEW.series_id IS DISTINCT FROM OLD.series_id)
            AND OLD.artifact_sha256 IS NOT NULL AND OLD.artifact_purged_at IS NULL)
    ) EXECUTE FUNCTION ml_health.keep_needed_model();
CREATE TRIGGER ml_models_kept_from_deletion BEFORE DELETE ON public.ml_models
    FOR EACH ROW WHEN (OLD.artifact_sha256 IS NOT NULL AND OLD.artifact_purged_at IS NULL)
    EXECUTE FUNCTION ml_health.keep_needed_model();


-- PARTITIONS OF THE LOG --------------------------------------------------------------------------------------------
-- Made and dropped by these functions alone, with the owner's right lent to the writer.

-- Monthly partitions of the anomaly log, made before rows of that time are written; also for rows that came
-- while there was none. The owner's right, lent to the writer for this one thing.
CREATE FUNCTION ml_health.ensure_detection_partitions(p_from timestamptz, p_to timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
DECLARE
    adopted_until CONSTANT timestamptz := (
        SELECT substring(pg_get_expr(relpartbound, oid) FROM 'TO \(''([^'']+)''\)')::timestamptz
        FROM pg_class WHERE oid = to_regclass('public.anomaly_detections_adopted')
    );
    month timestamp;
    name text;
    made integer := 0;
BEGIN
    IF p_to < p_from OR p_to - p_from > interval '100 years' THEN
        RAISE EXCEPTION 'partitions from % to % are refused: at most 100 years, in order', p_from, p_to;
    END IF;
    -- Nothing to make is the rule, and then nobody waits for anybody.
    PERFORM FROM generate_series(date_trunc('month', p_from AT TIME ZONE 'UTC'), p_to AT TIME ZONE 'UTC', interval '1 month') AS wanted
    WHERE wanted AT TIME ZONE 'UTC' >= coalesce(adopted_until, '-infinity')
      AND to_regclass('public.anomaly_detections_' || to_char(wanted, 'YYYY_MM')) IS NULL;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- Before the rows that wait are looked at: whoever holds this lock may have to lock their table for itself.
    PERFORM pg_advisory_xact_lock(hashtext('ml_health.ensure_detection_partitions'));
    FOR month IN
        SELECT generate_series(date_trunc('month', p_from AT TIME ZONE 'UTC'), p_to AT TIME ZONE 'UTC', interval '1 month')
        UNION
        SELECT date_trunc('month', "timestamp" AT TIME ZONE 'UTC')
        FROM public.anomaly_detections_default WHERE isfinite("timestamp")
        ORDER BY 1
    LOOP
        name := 'anomaly_detections_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN month AT TIME ZONE 'UTC' < adopted_until OR to_regclass('public.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.anomaly_detections INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        EXECUTE format('WITH waiting AS (DELETE FROM public.anomaly_detections_default '
                       'WHERE "timestamp" >= %2$L AND "timestamp" < %3$L RETURNING *) '
                       'INSERT INTO public.%1$I SELECT * FROM waiting',
                       name, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
        EXECUTE format('ALTER TABLE public.anomaly_detections ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                       name, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Partitions of the anomaly log that hold nothing younger than the given time.
CREATE FUNCTION ml_health.expired_detection_partitions(p_before timestamptz)
RETURNS TABLE (name text, until timestamptz, bytes bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
    SELECT part.relname::text, bound.until, pg_total_relation_size(part.oid)
    FROM pg_inherits
    JOIN pg_class AS part ON part.oid = inhrelid
    CROSS JOIN LATERAL (
        SELECT substring(pg_get_expr(part.relpartbound, part.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS until
    ) AS bound
    WHERE inhparent = 'public.anomaly_detections'::regclass AND bound.until <= p_before
    ORDER BY bound.until
$$;

-- Drop one expired partition; anything else is refused, and nothing of the last 30 real days is ever expired.
-- With p_rows it goes only if it still holds that many: a row that came after they were archived would be lost.
CREATE FUNCTION ml_health.drop_detection_partition(p_name text, p_before timestamptz, p_rows bigint DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found bigint;
BEGIN
    IF NOT EXISTS (
        SELECT FROM ml_health.expired_detection_partitions(least(p_before, clock_timestamp() - interval '30 days')) AS expired
        WHERE expired.name = p_name
    ) THEN
        RAISE EXCEPTION '% is no expired partition of the anomaly log', p_name;
    END IF;
    IF p_rows IS NOT NULL THEN
        -- The whole log first, as writers and DROP itself do: with the partition first, each could wait for the other.
        LOCK TABLE ONLY public.anomaly_detections IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('LOCK TABLE public.%I IN SHARE MODE', p_name);
        EXECUTE format('SELECT count(*) FROM public.%I', p_name) INTO found;
        IF found <> p_rows THEN
            RAISE EXCEPTION '% holds % rows, of which % are in the archive: it stays until the next purge', p_name, found, p_rows;
        END IF;
    END IF;
    EXECUTE format('DROP TABLE public.%I', p_name);
END $$;
