"""Scoring: from a batch of readings to anomalies, episodes, alerts and rollups."""
