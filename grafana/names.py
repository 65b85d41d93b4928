"""Names by which dashboards, datasource and folder know each other."""

from __future__ import annotations

NAME = "ML health"
"""Of the datasource, the folder and the dashboard provider."""
FOLDER_UID = "ml-health"
TAG = "ml-health"
DATASOURCE_TYPE = "grafana-postgresql-datasource"
PASSWORD_VARIABLE = "ML_HEALTH_GRAFANA_PASSWORD"  # noqa: S105 - a variable's name
"""Where Grafana finds the password if no file holds it."""
