"""From new readings to anomalies, episodes and alerts."""
