-- server --
-- Which major version answers.
SELECT current_setting('server_version_num')::integer / 10000;

-- find --
-- Whether the login is there, and may read every view of ours (none at all is not enough).
SELECT role.oid IS NOT NULL,
       coalesce((
           SELECT has_schema_privilege(role.oid, relnamespace, 'USAGE')
                  AND bool_and(has_table_privilege(role.oid, view.oid, 'SELECT'))
           FROM pg_class AS view
           WHERE relnamespace = to_regnamespace('grafana') AND relkind = 'v'
           GROUP BY relnamespace
       ), false)
FROM (SELECT %(user)s::text AS name) AS asked
LEFT JOIN pg_roles AS role ON role.rolname = asked.name AND role.rolcanlogin;

-- may_create --
-- Whether the current login may create roles, and the group that the new one joins is there.
SELECT (rolsuper OR rolcreaterole) AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'ml_health_reader')
FROM pg_roles
WHERE rolname = current_user;

-- create --
-- The wall are its grants; the three settings only keep an honest dashboard from doing harm.
CREATE ROLE {user} LOGIN CONNECTION LIMIT {connections} PASSWORD {secret} IN ROLE ml_health_reader;
ALTER ROLE {user} SET default_transaction_read_only = on;
ALTER ROLE {user} SET statement_timeout = '30s';
ALTER ROLE {user} SET timezone = 'UTC';
