"""Grafana: dashboards built from Python, and what is provisioned with them."""
