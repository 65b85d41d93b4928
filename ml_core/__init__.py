"""Keeps fleets of anomaly models healthy on an industrial IoT platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_core.anomaly_detector import AnomalyDetector

__version__ = "0.1.0"
__all__ = ["AnomalyDetector", "__version__"]


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import; a command that needs none of it starts without.
    if name == "AnomalyDetector":
        from ml_core.anomaly_detector import AnomalyDetector

        return AnomalyDetector
    raise AttributeError(f"module 'ml_core' has no attribute {name!r}")
