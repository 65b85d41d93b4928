-- Three roles: the owner migrates, the writer runs the tasks, the reader is Grafana's.
-- They are groups without a login; a site grants them to its own users.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ml_health_owner', 'ml_health_writer', 'ml_health_reader'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            END IF;
        EXCEPTION
            -- Roles belong to the whole server: another database's migration may make them at the same moment.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE WARNING 'role % is missing and this login may not create it: an administrator runs CREATE ROLE % NOLOGIN, '
                              'then run `ml-health db migrate` again', name, name;
        END;
    END LOOP;
    -- A function of the owner's is for those named below, and for nobody else by default.
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ml_health FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ml_health_writer') THEN
        GRANT USAGE ON SCHEMA ml_health TO ml_health_writer;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ml_health TO ml_health_writer;
        GRANT SELECT, INSERT, UPDATE ON public.ml_models, public.anomaly_detections TO ml_health_writer;
        -- What people said and what was done to models is added to, never changed.
        REVOKE UPDATE, DELETE ON ml_health.verdict, ml_health.audit_sample, ml_health.model_event FROM ml_health_writer;
        REVOKE INSERT, UPDATE, DELETE ON ml_health.schema_version FROM ml_health_writer;
        GRANT EXECUTE ON FUNCTION ml_health.ensure_detection_partitions, ml_health.expired_detection_partitions,
            ml_health.drop_detection_partition TO ml_health_writer;
        GRANT USAGE ON SCHEMA grafana TO ml_health_writer;
        GRANT SELECT ON ALL TABLES IN SCHEMA grafana TO ml_health_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ml_health_reader') THEN
        GRANT USAGE ON SCHEMA grafana TO ml_health_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA grafana TO ml_health_reader;
    END IF;
END $$;
