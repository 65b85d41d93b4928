-- Take this program out of a database that it shares with the platform: psql -f uninstall.sql, as the owner.
-- The platform's two tables stay, with every row and column, and take its INSERTs as before; adopted models get the
-- status back that the platform gave them. Gone are the schemas ml_health (imported readings, runs, checks, findings,
-- verdicts) and grafana. The roles ml_health_* belong to the whole server and stay.
BEGIN;
DROP SCHEMA IF EXISTS grafana CASCADE;
-- Along with it go the references to it and the trigger that adopted the platform's own models.
DROP SCHEMA ml_health CASCADE;
DROP INDEX public.ml_models_one_active;
ALTER TABLE public.ml_models
    DROP CONSTRAINT ml_models_status_known,
    DROP CONSTRAINT ml_models_of_a_series,
    DROP CONSTRAINT ml_models_purged_is_not_in_use,
    DROP CONSTRAINT ml_models_numbered_once,
    ALTER COLUMN version DROP NOT NULL,
    ALTER COLUMN status SET DEFAULT 'active';
UPDATE public.ml_models
SET status = substring(outcome_reason FROM ' the platform with status (.+)$')
WHERE adopted AND status = 'retired' AND outcome_reason ~ ' the platform with status ';
COMMIT;
