-- The platform's two model tables, where they are not there yet.
-- A site that has them keeps its own; 0002 brings both forms to today's.

CREATE TABLE IF NOT EXISTS public.ml_models (
    id uuid NOT NULL PRIMARY KEY,
    device_id varchar(255) NOT NULL,
    metric_name varchar(255) NOT NULL,
    model_type varchar(50),
    model_path text,
    status varchar(50),
    accuracy double precision,
    false_positive_rate double precision,
    training_samples integer,
    contamination double precision,
    n_estimators integer,
    trained_at timestamp,
    last_used_at timestamp,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE IF NOT EXISTS public.anomaly_detections (
    id uuid NOT NULL PRIMARY KEY,
    model_id uuid,
    device_id varchar(255) NOT NULL,
    metric_name varchar(255) NOT NULL,
    value double precision,
    anomaly_score double precision,
    is_anomaly boolean,
    confidence double precision,
    "timestamp" timestamp NOT NULL,
    metadata jsonb,
    telemetry_id uuid
);
