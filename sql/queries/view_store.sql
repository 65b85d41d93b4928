-- owns_views --
-- Whether the current login is the owner of the schema of the views, or a member of it.
SELECT pg_has_role(current_user, nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'grafana';

-- begin_trial --
SAVEPOINT trial;

-- end_trial --
ROLLBACK TO SAVEPOINT trial;

-- is_current --
-- Whether a view and its trial twin are defined alike; false where the view is missing.
SELECT coalesce(pg_get_viewdef(to_regclass('grafana.' || %(name)s)) = pg_get_viewdef(to_regclass('pg_temp.' || %(name)s)),
                false);
