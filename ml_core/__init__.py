"""Keeps fleets of anomaly models healthy on an industrial IoT platform."""

from ml_core.anomaly_detector import AnomalyDetector

__version__ = "0.1.0"
__all__ = ["AnomalyDetector", "__version__"]
