"""The bands within which models expected their readings, each for the time in which it served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ml_core.bootstrap import Platform
from ml_core.domain.model_version import ModelVersion


@dataclass(frozen=True, kw_only=True)
class ServedBands:
    """Versions that have served and have a band, by the number of their series."""

    versions: Mapping[int, Sequence[ModelVersion]]

    @classmethod
    def read(cls, platform: Platform) -> ServedBands:
        """Those of the whole platform."""
        found: dict[int, list[ModelVersion]] = {}
        for version in platform.models.list_versions():
            if version.promoted_at is not None and version.metadata.get("band_low") is not None:
                found.setdefault(version.series_id, []).append(version)
        return cls(versions=found)

    def are_far_outside(self, series_id: int, at: datetime, values: NDArray[np.float64]) -> bool:
        """Whether one of the values lies outside of the band of that time by more than its width."""
        for version in self.versions.get(series_id, ()):
            if version.promoted_at and version.promoted_at <= at < (
                version.retired_at or datetime.max.replace(tzinfo=at.tzinfo)
            ):
                low, high = float(version.metadata["band_low"]), float(version.metadata["band_high"])
                return bool(np.any((values < low - (high - low)) | (values > high + (high - low))))
        return False
