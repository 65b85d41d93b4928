"""The public face: one detector for one series, with the methods and answers that the platform knows."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import numpy as np

from ml_core.domain.detectors.artifact_format import encode
from ml_core.domain.detectors.detector import FitOptions, ModelArtifact
from ml_core.domain.detectors.frozen_reference import FrozenReference
from ml_core.domain.detectors.isolation_detector import IsolationForestDetector
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.series import Readings, SeriesKey
from ml_core.errors import ArtifactError, InvalidReadingsError, NotTrainedError
from ml_core.model_file import read_model, write_model

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

MODEL_ID_NAMESPACE = UUID("6f1d1c1e-7f0b-5f0e-9a55-3b8f4f2c9d10")
"""Model ids are derived from what was learned: the same readings and options give the same id."""


class AnomalyDetector:
    """Learns what is normal for one metric of one device and says which values are not.

    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({
    ...     "timestamp": pd.date_range("2025-01-01", periods=1000, freq="10min", tz="UTC"),
    ...     "value": rng.normal(25.0, 1.0, 1000),
    ... })
    >>> detector = AnomalyDetector(device_id="DEVICE-001", metric_name="temperature")
    >>> detector.train(frame)["training_samples"]
    1000
    >>> detector.predict(45.0)["is_anomaly"], detector.predict(25.0)["is_anomaly"]
    (True, False)
    """

    def __init__(
        self,
        device_id: str,
        metric_name: str,
        *,
        contamination: float | None = FitOptions.contamination,
        target_alarm_rate: float = FitOptions.target_alarm_rate,
        n_estimators: int = FitOptions.n_estimators,
        max_samples: int = FitOptions.max_samples,
        random_state: int = FitOptions.random_state,
        min_readings: int = FitOptions.min_readings,
        min_distinct_values: int = FitOptions.min_distinct_values,
    ) -> None:
        self.series = SeriesKey(device=device_id, metric=metric_name)
        self.options = FitOptions(
            contamination=contamination,
            target_alarm_rate=target_alarm_rate,
            n_estimators=n_estimators,
            max_samples=max_samples,
            random_state=random_state,
            min_readings=min_readings,
            min_distinct_values=min_distinct_values,
        )
        self._artifact: ModelArtifact | None = None
        self._reference: FrozenReference | None = None

    @property
    def device_id(self) -> str:
        """The device whose readings are watched."""
        return self.series.device

    @property
    def metric_name(self) -> str:
        """The metric of the device that is watched."""
        return self.series.metric

    @property
    def is_trained(self) -> bool:
        """Whether `predict` can answer."""
        return self._artifact is not None

    def train(self, data: pd.DataFrame) -> dict[str, Any]:
        """Learn from a DataFrame with the columns `timestamp` (naive = UTC) and `value`; drops bad rows.

        Raises InvalidReadingsError (a column is missing), InsufficientDataError or UnmodellableSeriesError; a
        model trained before then stays in place. `training_time` is in seconds.
        """
        started = time.perf_counter()
        artifact = IsolationForestDetector().fit(Readings.from_frame(data), self.options)
        reference = self._adopt(artifact)
        return {
            "model_id": self._model_id(artifact),
            "device_id": self.device_id,
            "metric_name": self.metric_name,
            "training_samples": artifact.metadata["n_readings"],
            "dropped_rows": artifact.metadata["dropped"],
            "training_time": time.perf_counter() - started,
            "threshold": reference.threshold,
            "expected_band": list(reference.band),
        }

    def retrain(self, data: pd.DataFrame) -> dict[str, Any]:
        """Train anew and name the model replaced; raises NotTrainedError where there is none."""
        previous = self._model_id(self._trained()[0])
        return self.train(data) | {"previous_model_id": previous}

    def predict(self, value: float) -> dict[str, Any]:
        """The answer for one value.

        Raises NotTrainedError, or InvalidReadingsError where the value is no finite number.
        score < 0 is an anomaly; confidence is 1 - the share of normal values at least as strange; severity
        is the distance from the expected band in robust standard deviations, 0 where the value is normal.
        """
        return self._answer(np.array([_checked(value, "value")]))[0]

    def predict_batch(self, values: Iterable[float]) -> dict[str, Any]:
        """The answers for many values in their order, and how many of them are anomalies."""
        self._trained()
        checked = [_checked(value, f"values[{i}]") for i, value in enumerate(values)]
        predictions = self._answer(np.array(checked, dtype=np.float64))
        return {
            "predictions": predictions,
            "anomaly_count": sum(prediction["is_anomaly"] for prediction in predictions),
        }

    def save_model(self, path: str | os.PathLike[str]) -> bool:
        """Write the model to a file, all or nothing, mode 0600; raises NotTrainedError if there is none."""
        write_model(path, self._labelled(self._trained()[0]))
        return True

    def load_model(self, path: str | os.PathLike[str]) -> bool:
        """Take over a saved model of this series.

        Raises ArtifactMissingError, ArtifactDamagedError, or ArtifactError for a model of another series;
        the detector then keeps the model it had.
        """
        saved = read_model(path)
        if saved.metadata.get("series") != self._label():
            raise ArtifactError(
                f"{os.fspath(path)!r} holds a model of {saved.metadata.get('series')}, "
                f"this detector is of {self._label()}; load the file of this series"
            )
        self._adopt(saved)
        return True

    def get_model_info(self) -> dict[str, Any]:
        """What the detector is and what it was trained on; before training only the former."""
        info: dict[str, Any] = {
            "device_id": self.device_id,
            "metric_name": self.metric_name,
            "model_type": IsolationForestDetector.kind,
            "is_trained": self.is_trained,
            "model_id": None,
        }
        if self._artifact is None or self._reference is None:
            return info
        details = {name: value for name, value in self._artifact.metadata.items() if name != "series"}
        return info | {
            "model_id": self._model_id(self._artifact),
            "training_samples": details["n_readings"],
            "expected_band": list(self._reference.band),
            **details,
        }

    def _adopt(self, artifact: ModelArtifact) -> FrozenReference:
        reference = FrozenReference.from_artifact(artifact)
        self._artifact, self._reference = artifact, reference
        return reference

    def _trained(self) -> tuple[ModelArtifact, FrozenReference]:
        if self._artifact is None or self._reference is None:
            raise NotTrainedError(f"{self.series} has no model yet; call train() or load_model() first")
        return self._artifact, self._reference

    def _answer(self, values: NDArray[np.float64]) -> list[dict[str, Any]]:
        _, reference = self._trained()
        timeless = np.full(values.shape, np.datetime64("NaT", "us"))
        scored = reference.score(timeless, values)
        return [_prediction(scored, i) for i in range(len(scored))]

    def _label(self) -> dict[str, str]:
        return {"device_id": self.device_id, "metric_name": self.metric_name}

    def _labelled(self, artifact: ModelArtifact) -> ModelArtifact:
        """The artifact with its series' name, so that no file is taken for another's."""
        metadata: Mapping[str, Any] = {**artifact.metadata, "series": self._label()}
        return ModelArtifact(kind=artifact.kind, arrays=artifact.arrays, metadata=metadata)

    def _model_id(self, artifact: ModelArtifact) -> str:
        return str(uuid5(MODEL_ID_NAMESPACE, hashlib.sha256(encode(self._labelled(artifact))).hexdigest()))


def _prediction(scored: ScoredReadings, i: int) -> dict[str, Any]:
    reason = scored.reasons.get(i)
    return {
        "value": float(scored.values[i]),
        "is_anomaly": bool(scored.scores[i] < 0),
        "score": float(scored.scores[i]),
        "confidence": float(scored.confidences[i]),
        "severity": float(scored.severities[i]),
        "expected_band": [float(scored.band_low[i]), float(scored.band_high[i])],
        "reason": None if reason is None else str(reason["text"]),
    }


def _checked(value: object, name: str) -> float:
    """The value as a float; raises InvalidReadingsError naming it unless it is a finite number."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise InvalidReadingsError(f"{name} must be a finite number, got {value!r}")
    try:
        number = float(value)
    except OverflowError as exc:
        raise InvalidReadingsError(f"{name} must be a finite number, got an integer beyond 1.8e308") from exc
    if not np.isfinite(number):
        raise InvalidReadingsError(f"{name} must be a finite number, got {number!r}")
    return number
