"""The detectors that a site may choose from, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_core.domain.isolation_detector import IsolationForestDetector

if TYPE_CHECKING:
    from ml_core.domain.detector import Detector

DETECTOR_KINDS: tuple[Detector, ...] = (IsolationForestDetector(),)
