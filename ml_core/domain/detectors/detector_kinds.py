"""The detectors that a site may choose from, by kind."""

from __future__ import annotations

from collections.abc import Sequence

from ml_core.domain.detectors.adaptive_detector import AdaptiveDetector
from ml_core.domain.detectors.detector import Detector
from ml_core.domain.detectors.isolation_detector import IsolationForestDetector
from ml_core.errors import UnknownDetectorKindError

DETECTOR_KINDS: tuple[Detector, ...] = (IsolationForestDetector(), AdaptiveDetector())


def detector_of_kind(kind: str, kinds: Sequence[Detector] | None = None) -> Detector:
    """The detector of that kind among `kinds` (None: all); UnknownDetectorKindError names the known ones."""
    choice = DETECTOR_KINDS if kinds is None else kinds
    for detector in choice:
        if detector.kind == kind:
            return detector
    known = ", ".join(detector.kind for detector in choice)
    raise UnknownDetectorKindError(f"unknown detector kind {kind!r}; known kinds: {known}")
