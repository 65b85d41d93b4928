-- version_table_exists --
-- Whether this database has ever been migrated.
SELECT to_regclass('ml_health.schema_version') IS NOT NULL;

-- create_version_table --
-- What records the migrations, itself older than the first of them.
CREATE SCHEMA IF NOT EXISTS ml_health;
CREATE TABLE ml_health.schema_version (
    version integer NOT NULL PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL
);

-- current_version --
-- The newest migration that this database has seen; 0 before the first.
SELECT coalesce(max(version), 0) FROM ml_health.schema_version;

-- record_migration --
-- Written first in a migration's transaction: whoever comes second waits here, and is refused by the key.
INSERT INTO ml_health.schema_version (version, name, applied_at)
VALUES (%(version)s, %(name)s, %(applied_at)s);

-- set_lock_timeout --
-- A migration queued behind a long reader would hold up everyone queued behind itself.
SELECT set_config('lock_timeout', %(lock_timeout)s, %(for_this_transaction)s);

-- lock_migrator --
-- One process at a time migrates a database; the lock ends with its session.
SELECT pg_advisory_lock(hashtextextended('ml_health.migrator', 0));

-- grafana_schema_exists --
-- Whether the schema of the views is there.
SELECT to_regnamespace('grafana') IS NOT NULL;

-- create_grafana_schema --
-- The schema that holds our views and nothing else.
CREATE SCHEMA grafana;

-- grafana_views --
-- All views in the schema that is ours, also those that later versions of this code no longer make.
SELECT viewname FROM pg_views WHERE schemaname = 'grafana' ORDER BY viewname;
