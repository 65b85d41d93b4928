"""Speed and size of the detectors beside named peers: `python -m benchmarks.speed`."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import joblib
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.machine import describe_machine
from benchmarks.results_file import RESULTS, write_results
from benchmarks.row import Row, compare
from benchmarks.streaming import measure_streaming
from ml_core import AnomalyDetector
from ml_core.domain.detectors.artifact_format import encode
from ml_core.domain.detectors.frozen_reference import FrozenReference
from ml_core.domain.detectors.isolation_detector import IsolationForestDetector
from ml_core.domain.series import Readings

WIDTH = 150
PIPELINE = "scikit-learn pipeline"
N_TRAINING = 1000
N_BATCH = 100_000


@dataclass(frozen=True, kw_only=True)
class Subjects:
    """The same recipe and readings: ours by its public face and bare, scikit-learn's as a pipeline."""

    frame: pd.DataFrame
    detector: AnomalyDetector
    reference: FrozenReference
    artifact_bytes: bytes
    pipeline: Pipeline


def new_pipeline() -> Pipeline:
    """The seed's recipe in scikit-learn alone."""
    return make_pipeline(StandardScaler(), IsolationForest(n_estimators=100, random_state=42))


def prepare() -> Subjects:
    """A thousand normal temperatures, and every subject trained on them."""
    stamps = pd.date_range("2025-01-01", periods=N_TRAINING, freq="10min", tz="UTC")
    values = np.random.default_rng(0).normal(25.0, 1.0, N_TRAINING)
    frame = pd.DataFrame({"timestamp": stamps, "value": values})
    detector = AnomalyDetector(device_id="BENCH-1", metric_name="temperature")
    detector.train(frame)
    artifact = IsolationForestDetector().fit(Readings.from_frame(frame), detector.options)
    return Subjects(
        frame=frame,
        detector=detector,
        reference=FrozenReference.from_artifact(artifact),
        artifact_bytes=encode(artifact),
        pipeline=new_pipeline().fit(values.reshape(-1, 1)),
    )


def measure(subjects: Subjects) -> list[Row]:
    """Every row of the table."""
    one, many = np.array([26.0]), np.random.default_rng(1).normal(25.0, 1.5, N_BATCH)
    column = subjects.frame["value"].to_numpy().reshape(-1, 1)
    score_by_pipeline = subjects.pipeline.decision_function
    return [
        compare(
            f"train on {N_TRAINING} readings, calibration included",
            lambda: subjects.detector.train(subjects.frame),
            lambda: new_pipeline().fit(column),
            peer_name=PIPELINE,
            rounds=9,
            bound=30.0,
        ),
        compare(
            "predict() one value: score, band, severity",
            lambda: subjects.detector.predict(26.0),
            lambda: score_by_pipeline([[26.0]]),
            peer_name=PIPELINE,
            rounds=25,
            repeats=5,
            bound=0.050,
        ),
        compare(
            "score one value in step form",
            lambda: subjects.reference.scores(one),
            lambda: score_by_pipeline(one.reshape(-1, 1)),
            peer_name=PIPELINE,
            rounds=25,
            repeats=5,
        ),
        compare(
            f"score {N_BATCH:,} values in step form",
            lambda: subjects.reference.scores(many),
            lambda: score_by_pipeline(many.reshape(-1, 1)),
            peer_name=PIPELINE,
            rounds=7,
        ),
        Row(
            what="artifact, reference readings included, against a pickle",
            unit="B",
            ours=len(subjects.artifact_bytes),
            peer_name=f"{PIPELINE}, pickled",
            peer=_pickle_size(subjects.pipeline),
        ),
    ]


def _pickle_size(pipeline: Pipeline) -> int:
    """Bytes of the pipeline as joblib dumps it; it is never loaded."""
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer)
    return buffer.getbuffer().nbytes


def as_document(rows: list[Row], machine: dict[str, Any]) -> dict[str, Any]:
    """Rows and machine with the moment of measuring."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "rows": [asdict(row) | {"ratio": row.ratio} for row in rows],
    }


def show(rows: list[Row], machine: dict[str, Any]) -> None:
    """The same for people."""
    table = Table(title=f"{machine['processor']}, {machine['usable_cores']} cores, Python {machine['python']}")
    for heading in ("what", "ours", "peer", "peer's", "ratio", "bound"):
        table.add_column(heading, justify="left" if heading in ("what", "peer") else "right")
    for row in rows:
        bound = "" if row.bound is None else f"< {_quantity(row.bound, row.unit)}"
        ours, peer = _quantity(row.ours, row.unit), _quantity(row.peer, row.unit)
        table.add_row(row.what, ours, row.peer_name, peer, f"{row.ratio:,.1f}x", bound)
    Console(width=WIDTH).print(table)


def _quantity(amount: float, unit: str) -> str:
    if unit == "B":
        return f"{amount / 1e3:,.0f} kB"
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if amount >= scale:
            return f"{amount / scale:.3g} {name}"
    return f"{amount / 1e-9:.3g} ns"


def main() -> None:
    """Measure, show, write; a bound that does not hold ends with exit code 1."""
    machine = describe_machine(["numba", "river"])
    rows = [*measure(prepare()), *measure_streaming()]
    show(rows, machine)
    write_results(RESULTS / "speed.json", as_document(rows, machine))
    missed = [row.what for row in rows if row.bound is not None and row.ours >= row.bound]
    if missed:
        raise SystemExit(f"over the bound: {', '.join(missed)}")


if __name__ == "__main__":
    main()
