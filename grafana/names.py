"""Names by which dashboards, datasource and folder know each other."""

from __future__ import annotations

NAME = "ML health"
"""Of the datasource, the folder and the dashboard provider."""
FOLDER_UID = "ml-health"
TAG = "ml-health"
DATASOURCE_TYPE = "grafana-postgresql-datasource"
PASSWORD_VARIABLE = "ML_HEALTH_GRAFANA_PASSWORD"  # noqa: S105 - a variable's name
"""Where Grafana finds the password if no file holds it."""
RECEIVER = "ML health"
"""The contact point of these alerts."""
EMAIL_VARIABLE, WEBHOOK_VARIABLE = "ML_HEALTH_ALERT_EMAIL", "ML_HEALTH_ALERT_WEBHOOK_URL"
"""Where Grafana finds whom to tell: it stands in no file."""
DATASOURCE_PLACE, RECEIVER_PLACE = "DATASOURCE_UID", "RECEIVER"
"""What stands in the packaged rules in place of a site's own names."""
FLEET, MODELS, DEVICE, RUNS, QUALITY = "mlh-fleet", "mlh-models", "mlh-device", "mlh-runs", "mlh-quality"
"""Uids of the dashboards."""

SEEN_UNTIL = "least($__timeTo()::timestamptz, now())"
"""What `:seen_until` stands for: the end of the time range, or now where that is yet to come, as that of Today is."""
