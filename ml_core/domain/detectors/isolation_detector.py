"""The seed's detector: an isolation forest in step form with a threshold calibrated on held-out readings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ml_core.domain.degradation.block_history import largest_outside_share
from ml_core.domain.degradation.drift import autocorrelation_time
from ml_core.domain.detectors.detector import EMPTY_STATE, FitOptions, ModelArtifact
from ml_core.domain.detectors.frozen_reference import FrozenReference
from ml_core.domain.detectors.isolation import StepForest, compile_forest
from ml_core.domain.detectors.nonconformity import Nonconformity
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.detectors.threshold import TailModel
from ml_core.domain.series import to_datetime
from ml_core.domain.series_profile import flat_run_lengths, gross_outliers, robust_sd, standard_scale
from ml_core.errors import InsufficientDataError, UnmodellableSeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.series import Readings

N_BLOCKS = 20
"""Blocks of consecutive readings, long enough that few readings have a neighbour across a cut."""
HELD_OUT_EVERY = 4
"""Each fourth block calibrates: the held-out quarter is spread over the whole window."""
MAX_REFERENCE_READINGS = 5_000
"""Training readings kept for later drift tests, evenly thinned: more would only make the artifact large.

In time order and of the whole window, since drift is held against what was usual from day to day. Most trees
have not seen most of them (each is grown on 256), so their scores stand for unseen readings' too."""
LARGEST_VALUE = 1e150
"""Beyond this the square of a value overflows, and with it its standard deviation."""
QUANTILE_POINTS = 101
SECONDS_A_DAY = 86_400.0


class IsolationForestDetector:
    """Stateless: says whether a reading is where the machine was when the model was made."""

    kind = "isolation_forest"

    def fit(self, readings: Readings, options: FitOptions) -> ModelArtifact:
        """Learn from clean readings; raises InsufficientDataError or UnmodellableSeriesError."""
        everything = readings.values + 0.0  # -0.0 becomes 0.0: equal readings, equal bits
        _check_modellable(everything, options)
        outliers = _find_outliers(everything, options)
        values = everything[~outliers]
        held_out = held_out_mask(values.size)
        fitted, calibration = values[~held_out], values[held_out]
        memory = autocorrelation_time(values)
        reference = _learn(fitted, calibration, options, memory)
        stride = -(-values.size // MAX_REFERENCE_READINGS)
        kept = values[::stride]
        return ModelArtifact(
            kind=self.kind,
            arrays=reference.arrays() | {"reference_scores": reference.scores(kept), "reference_values": kept},
            metadata=_describe_readings(readings, values)
            | _describe_options(options)
            | reference.figures()
            | {"n_held_out": int(calibration.size), "n_outliers": int(outliers.sum()), "autocorrelation_time": memory}
            | {"reference_stride": stride}
            | dict(zip(("band_low", "band_high"), reference.band, strict=True)),
        )

    def update(self, artifact: ModelArtifact, state: bytes, batch: Readings) -> tuple[ScoredReadings, bytes]:
        """Score `batch`; the state stays empty."""
        reference = artifact.opened_by(FrozenReference.from_artifact)
        return reference.score(batch.timestamps, batch.values), EMPTY_STATE


def _find_outliers(values: NDArray[np.float64], options: FitOptions) -> NDArray[np.bool_]:
    """Readings not to be learned as normal; a contamination is a quota of all readings and leaves none out."""
    if options.contamination is not None:
        return np.zeros(values.shape, dtype=np.bool_)
    return gross_outliers(values, options.outlier_fence_iqrs, options.max_outlier_share)


def held_out_mask(n: int) -> NDArray[np.bool_]:
    """Which of n consecutive readings are held out for calibration: every fourth of twenty equal blocks."""
    blocks = np.arange(n) * N_BLOCKS // n
    mask: NDArray[np.bool_] = blocks % HELD_OUT_EVERY == HELD_OUT_EVERY // 2
    return mask


def _check_modellable(values: NDArray[np.float64], options: FitOptions) -> None:
    if values.size < options.min_readings:
        raise InsufficientDataError(
            f"{values.size} usable readings are too few to train on, {options.min_readings} are needed "
            f"(min_readings); wait for more or widen the training window"
        )
    n_distinct = np.unique(values).size
    if n_distinct < options.min_distinct_values:
        raise UnmodellableSeriesError(
            f"{values.size} readings take only {n_distinct} distinct values, "
            f"{options.min_distinct_values} are needed (min_distinct_values); "
            f"check whether the sensor is stuck or the metric is a state"
        )
    largest = float(np.abs(values).max())
    if largest > LARGEST_VALUE:
        raise UnmodellableSeriesError(
            f"a reading is as large as {largest:.3g}, beyond {LARGEST_VALUE:.0e}; check the sensor"
        )


def _learn(
    fitted: NDArray[np.float64],
    calibration: NDArray[np.float64],
    options: FitOptions,
    memory: float,
) -> FrozenReference:
    """Forest and range from the fitted readings, tail and threshold from the held-out ones."""
    mean, scale = float(fitted.mean()), standard_scale(fitted)
    measure = Nonconformity(
        forest=_fit_forest((fitted - mean) / scale, options),
        mean=mean,
        scale=scale,
        range_low=float(fitted.min()),
        range_high=float(fitted.max()),
        robust_sd=robust_sd(fitted),
    )
    tail = TailModel.fit(measure.of(calibration), autocorrelation_time=memory)
    # With a contamination, scikit-learn's own offset is the quota's quantile of the fitted readings' scores.
    quota = options.contamination is not None
    threshold = -measure.forest.offset if quota else tail.level(options.target_alarm_rate)
    return FrozenReference(measure=measure, tail=tail, threshold=threshold, median=float(np.median(fitted)))


def _fit_forest(standardised: NDArray[np.float64], options: FitOptions) -> StepForest:
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(
        n_estimators=options.n_estimators,
        max_samples=min(options.max_samples, standardised.size),
        contamination="auto" if options.contamination is None else options.contamination,
        random_state=options.random_state,
        n_jobs=1,
    )
    return compile_forest(forest.fit(standardised.reshape(-1, 1)))


def _describe_readings(readings: Readings, values: NDArray[np.float64]) -> dict[str, Any]:
    """What later checks want to know about the training window, without its readings."""
    runs = flat_run_lengths(values)
    return {
        "training_from": to_datetime(readings.timestamps[0]).isoformat(),
        "training_to": to_datetime(readings.timestamps[-1]).isoformat(),
        "n_readings": int(values.size),
        "dropped": int(readings.dropped),
        "value_min": float(values.min()),
        "value_max": float(values.max()),
        "median_interval_s": readings.median_interval_s(),
        "usual_outside_share": _usual_outside_share(values, readings.median_interval_s()),
        "flat_run_p999": float(np.quantile(runs, 0.999)),
        "flat_run_max": int(runs.max()),
        "quantiles": np.quantile(values, np.linspace(0.0, 1.0, QUANTILE_POINTS)).tolist(),
    }


def _usual_outside_share(values: NDArray[np.float64], interval_s: float | None) -> float | None:
    """How far a day of training (a third, where that is less) left the range of the rest; None without an interval."""
    if interval_s is None or interval_s <= 0:
        return None
    return largest_outside_share(values, max(1, min(round(SECONDS_A_DAY / interval_s), values.size // 3)))


def _describe_options(options: FitOptions) -> dict[str, Any]:
    """What was chosen, and the library that trained."""
    import sklearn

    return {
        "target_alarm_rate": options.target_alarm_rate,
        "contamination": options.contamination,
        "n_estimators": options.n_estimators,
        "max_samples": options.max_samples,
        "random_state": options.random_state,
        "sklearn_version": sklearn.__version__,
    }
