"""Grafana: its views and login, provisioning files, HTTP API."""
