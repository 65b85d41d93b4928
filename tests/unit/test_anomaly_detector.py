"""The public face, with every case that the project's seed names, on the real detector."""

import builtins
import json
import pickle
import stat

import numpy as np
import pandas as pd
import pytest

from ml_core import AnomalyDetector
from ml_core.errors import (
    ArtifactDamagedError,
    ArtifactError,
    ArtifactMissingError,
    ConfigurationError,
    InsufficientDataError,
    InvalidNameError,
    InvalidReadingsError,
    NotTrainedError,
    UnmodellableSeriesError,
)


def frame_of(values):
    """A frame of readings at ten minutes."""
    stamps = pd.date_range("2025-03-01", periods=len(values), freq="10min", tz="UTC")
    return pd.DataFrame({"timestamp": stamps, "value": values})


def normal_values(n, seed=0):
    """Temperatures around 25 with a standard deviation of 1."""
    return np.random.default_rng(seed).normal(25.0, 1.0, n)


def new_detector(**options):
    """An untrained detector."""
    return AnomalyDetector(device_id="DEVICE-001", metric_name="temperature", **options)


@pytest.fixture
def trained():
    """A detector trained on a thousand normal temperatures around 25."""
    detector = new_detector()
    detector.train(frame_of(normal_values(1000)))
    return detector


class TestInitialisation:
    """Names and parameters are checked at the door."""

    def test_valid_names(self):
        """Device and metric are kept, and nothing is trained yet."""
        detector = AnomalyDetector(device_id="plant/line-1.pump", metric_name="temperature")

        assert (detector.device_id, detector.metric_name) == ("plant/line-1.pump", "temperature")
        assert not detector.is_trained

    @pytest.mark.parametrize("device_id", ["", "  ", None, 7, "a" * 256, "a\nb", 'a"b', "a\\b", "../etc", "a/../b"])
    def test_invalid_device_id(self, device_id):
        """A device id outside of the naming rule is refused, naming the field."""
        with pytest.raises(InvalidNameError, match="device_id"):
            AnomalyDetector(device_id=device_id, metric_name="temperature")

    @pytest.mark.parametrize("metric_name", ["", None, "a" * 256, "\x00", ".."])
    def test_invalid_metric_name(self, metric_name):
        """A metric name outside of the naming rule is refused, naming the field."""
        with pytest.raises(InvalidNameError, match="metric_name"):
            AnomalyDetector(device_id="DEVICE-001", metric_name=metric_name)

    def test_custom_parameters(self):
        """Custom parameters are kept, used in training and told by the model's info."""
        detector = new_detector(contamination=0.05, n_estimators=50, random_state=7, target_alarm_rate=0.01)
        detector.train(frame_of(normal_values(300)))
        info = detector.get_model_info()

        expected = {"contamination": 0.05, "n_estimators": 50, "random_state": 7, "target_alarm_rate": 0.01}
        assert expected.items() <= info.items()

    @pytest.mark.parametrize(
        "option",
        [
            {"contamination": 0.0},
            {"contamination": 0.6},
            {"contamination": "auto"},
            {"target_alarm_rate": 0},
            {"target_alarm_rate": float("nan")},
            {"n_estimators": 0},
            {"n_estimators": 10.5},
            {"n_estimators": True},
            {"max_samples": 1},
            {"random_state": -1},
            {"random_state": 2**32},
            {"min_readings": 10},
            {"min_distinct_values": 1},
        ],
        ids=str,
    )
    def test_parameter_out_of_bounds(self, option):
        """A parameter out of its bounds is refused, naming it."""
        with pytest.raises(ConfigurationError, match=next(iter(option))):
            new_detector(**option)


class TestTraining:
    """What training says, and which data it refuses."""

    def test_valid_data(self):
        """Training tells the model's id, how many readings it used and how long it took."""
        detector = new_detector()
        result = detector.train(frame_of(normal_values(1000)))

        assert detector.is_trained
        assert result["training_samples"] == 1000
        assert result["training_time"] > 0
        assert result["model_id"] == detector.get_model_info()["model_id"]
        assert result["expected_band"][0] < 25 < result["expected_band"][1]

    def test_insufficient_data(self):
        """Too few readings are refused with both numbers."""
        with pytest.raises(InsufficientDataError, match=r"50 usable readings .* 200 are needed"):
            new_detector().train(frame_of(normal_values(50)))

    @pytest.mark.parametrize("column", ["timestamp", "value"])
    def test_missing_columns(self, column):
        """A frame without a needed column is refused, naming it."""
        with pytest.raises(InvalidReadingsError, match=f"missing column {column}"):
            new_detector().train(frame_of(normal_values(300)).drop(columns=column))

    def test_nan_rows_are_dropped_and_counted(self):
        """Rows without a usable value or time are dropped, counted, and change nothing else."""
        clean = frame_of(normal_values(300))
        dirty = pd.concat([clean, clean.head(4).assign(value=[np.nan, np.inf, -np.inf, None])])
        dirty = pd.concat([dirty, pd.DataFrame({"timestamp": [pd.NaT], "value": [1.0]})])
        detector, reference = new_detector(), new_detector()
        result = detector.train(dirty)
        reference.train(clean)

        assert (result["training_samples"], result["dropped_rows"]) == (300, 5)
        assert detector.predict(29.0) == reference.predict(29.0)

    def test_only_nan_rows(self):
        """Where nothing usable is left, the error says so."""
        with pytest.raises(InsufficientDataError, match="0 usable readings"):
            new_detector().train(frame_of([np.nan] * 500))

    def test_constant_values(self):
        """A stuck sensor is refused instead of becoming a model that never alarms."""
        with pytest.raises(UnmodellableSeriesError, match="only 1 distinct values"):
            new_detector().train(frame_of([5.0] * 500))

    def test_retrain(self, trained):
        """Retraining replaces the model: what was strange becomes normal, and the old id is told."""
        before = trained.get_model_info()["model_id"]
        assert trained.predict(45.0)["is_anomaly"]

        result = trained.retrain(frame_of(normal_values(1000) + 20.0))

        assert result["previous_model_id"] == before
        assert result["model_id"] != before
        assert not trained.predict(45.0)["is_anomaly"]

    def test_retrain_before_training(self):
        """There is nothing to retrain before the first training."""
        with pytest.raises(NotTrainedError, match=r"train\(\)"):
            new_detector().retrain(frame_of(normal_values(300)))

    def test_failed_retraining_keeps_the_model(self, trained):
        """A refused retraining leaves the model that was there."""
        before = trained.predict(27.0)
        with pytest.raises(InsufficientDataError):
            trained.retrain(frame_of(normal_values(10)))

        assert trained.predict(27.0) == before

    def test_same_data_gives_the_same_model(self):
        """The same readings in another order are the same model, id and all."""
        frame = frame_of(normal_values(300))
        first = new_detector().train(frame)
        second = new_detector().train(frame.sample(frac=1.0, random_state=1))

        assert first["model_id"] == second["model_id"]


class TestPrediction:
    """What a prediction says."""

    def test_normal_value(self):
        """Normal is normal as a rule, not by luck: over models and values, about the target rate alarms.

        0.1 % of a normal process may be called anomalous; a quota of 10 %, the seed's reason for failing,
        would raise over 2,000 alarms here.
        """
        n_values, n_models, alarms, central = 2000, 10, 0, 0
        for seed in range(n_models):
            detector = new_detector()
            detector.train(frame_of(normal_values(1000, seed)))
            fresh = normal_values(n_values, seed + 1000)
            alarms += detector.predict_batch(fresh)["anomaly_count"]
            central += detector.predict_batch(fresh[np.abs(fresh - 25.0) < 2.0])["anomaly_count"]
            single = detector.predict(25.0)
            assert (single["is_anomaly"], single["severity"]) == (False, 0.0)
            assert single["score"] >= 0
            assert single["reason"] is None

        assert central == 0
        assert alarms < 4 * 0.001 * n_values * n_models

    def test_anomaly_value(self, trained):
        """A value far outside is an anomaly: negative score, high confidence, a severity and words."""
        answer = trained.predict(45.0)

        assert answer["is_anomaly"] is True
        assert answer["score"] < 0
        assert answer["confidence"] > 0.999
        assert answer["severity"] > 10
        assert "above the expected band" in answer["reason"]
        assert "below the expected band" in trained.predict(5.0)["reason"]

    def test_without_training(self):
        """Prediction before training is an error that says what to do."""
        for ask in (lambda: new_detector().predict(25.0), lambda: new_detector().predict_batch([])):
            with pytest.raises(NotTrainedError, match=r"train\(\) or load_model\(\)"):
                ask()

    def test_batch(self, trained):
        """A batch answers each value as `predict` does, in order, and counts the anomalies."""
        values = [25.0, 25.5, 45.0, 50.0]
        answer = trained.predict_batch(values)

        assert [each["is_anomaly"] for each in answer["predictions"]] == [False, False, True, True]
        assert answer["anomaly_count"] == 2
        assert answer["predictions"] == [trained.predict(value) for value in values]
        assert trained.predict_batch([]) == {"predictions": [], "anomaly_count": 0}

    @pytest.mark.parametrize(
        "value", [0, 0.0, -0.0, -273.15, 5e-324, 1e308, -1e308, 10**300, np.float32(3), np.int64(3)]
    )
    def test_edge_values(self, trained, value):
        """Any finite number is answered with finite figures that are JSON."""
        answer = trained.predict(value)

        assert answer["is_anomaly"] is True
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -np.inf, "25", None, True, np.nan, [25.0], 10**400])
    def test_what_is_no_finite_number_is_refused(self, trained, value):
        """NaN is never 'normal': it is refused, naming the argument."""
        with pytest.raises(InvalidReadingsError, match="value must be a finite number"):
            trained.predict(value)

    def test_bad_value_in_a_batch_is_named(self, trained):
        """The message says which value of the batch is unusable."""
        with pytest.raises(InvalidReadingsError, match=r"values\[2\] must be a finite number, got nan"):
            trained.predict_batch([25.0, 26.0, float("nan")])

    def test_severity_rises_with_distance(self, trained):
        """A worse value scores worse, however far outside of training it is."""
        answers = trained.predict_batch([30.0, 50.0, 1e3, 1e6])["predictions"]

        assert np.all(np.diff([answer["score"] for answer in answers]) < 0)
        assert np.all(np.diff([answer["severity"] for answer in answers]) > 0)


class TestPersistence:
    """Models on disk: all or nothing, private, verified, never a pickle."""

    def test_save_model(self, trained, tmp_path):
        """A saved model is one private file, and no temporary file is left."""
        path = tmp_path / "DEVICE-001" / "temperature" / "model.bin"

        assert trained.save_model(path) is True
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(path.parent.iterdir()) == [path]

    def test_load_model(self, trained, tmp_path):
        """A fresh detector of the same series takes a saved model over, id and all."""
        trained.save_model(str(tmp_path / "model"))
        other = new_detector()

        assert other.load_model(str(tmp_path / "model")) is True
        assert other.get_model_info() == trained.get_model_info()

    def test_save_untrained_model(self, tmp_path):
        """There is nothing to save before training, and no file appears."""
        with pytest.raises(NotTrainedError):
            new_detector().save_model(tmp_path / "model")
        assert list(tmp_path.iterdir()) == []

    def test_load_nonexistent_model(self, tmp_path):
        """A missing file is named; Python's own error type catches it too."""
        with pytest.raises(ArtifactMissingError, match="nowhere"):
            new_detector().load_model(tmp_path / "nowhere")
        with pytest.raises(FileNotFoundError):
            new_detector().load_model(tmp_path)

    def test_persistence_consistency(self, trained, tmp_path):
        """Saved and loaded, the model gives the same answers, and saving again the same bytes."""
        values = np.append(normal_values(500, 3), [45.0, -40.0])
        trained.save_model(tmp_path / "one")
        other = new_detector()
        other.load_model(tmp_path / "one")
        other.save_model(tmp_path / "two")

        assert other.predict_batch(values) == trained.predict_batch(values)
        assert (tmp_path / "two").read_bytes() == (tmp_path / "one").read_bytes()

    @pytest.mark.parametrize("position", [0, 20, 100, -1])
    def test_damaged_file_is_refused(self, trained, tmp_path, position):
        """One changed byte anywhere is noticed, and the detector keeps the model it had."""
        path = tmp_path / "model"
        trained.save_model(path)
        content = bytearray(path.read_bytes())
        content[position] ^= 1
        path.write_bytes(content)
        before = trained.predict(27.0)

        with pytest.raises(ArtifactDamagedError, match="train again"):
            trained.load_model(path)
        assert trained.predict(27.0) == before

    def test_truncated_file_is_refused(self, trained, tmp_path):
        """Half a file is no model."""
        path = tmp_path / "model"
        trained.save_model(path)
        for length in (0, 10, 90, 5000):
            path.write_bytes(path.read_bytes()[:length])
            with pytest.raises(ArtifactDamagedError):
                new_detector().load_model(path)
            trained.save_model(path)

    def test_pickle_is_never_opened(self, tmp_path):
        """A pickle is refused without running what is in it."""

        class Payload:
            def __reduce__(self):
                return (builtins.open, (str(tmp_path / "ran"), "w"))

        (tmp_path / "model.pkl").write_bytes(pickle.dumps(Payload()))
        with pytest.raises(ArtifactDamagedError, match="never opened"):
            new_detector().load_model(tmp_path / "model.pkl")
        assert not (tmp_path / "ran").exists()

    def test_model_of_another_series_is_refused(self, trained, tmp_path):
        """A pump's model cannot be taken for a fan's by mixing up paths."""
        trained.save_model(tmp_path / "model")
        with pytest.raises(ArtifactError, match="DEVICE-001"):
            AnomalyDetector(device_id="FAN-2", metric_name="temperature").load_model(tmp_path / "model")

    def test_failed_save_leaves_the_old_file(self, trained, tmp_path):
        """Where the new file cannot take its place, the error is told and nothing is left behind."""
        (tmp_path / "model" / "inside").mkdir(parents=True)
        with pytest.raises(OSError, match="model"):
            trained.save_model(tmp_path / "model")

        assert [path.name for path in tmp_path.iterdir()] == ["model"]


class TestMetadata:
    """What a detector tells about itself."""

    def test_model_info(self, trained):
        """After training, the info says what was learned from what, and is JSON."""
        info = trained.get_model_info()

        assert info["is_trained"] is True
        assert (info["device_id"], info["metric_name"]) == ("DEVICE-001", "temperature")
        assert info["training_samples"] == 1000
        assert info["training_from"] == "2025-03-01T00:00:00+00:00"
        assert info["model_type"] == "isolation_forest"
        assert json.loads(json.dumps(info, allow_nan=False)) == info

    def test_model_info_before_training(self):
        """Before training, the info names the series and claims nothing else."""
        assert new_detector().get_model_info() == {
            "device_id": "DEVICE-001",
            "metric_name": "temperature",
            "model_type": "isolation_forest",
            "is_trained": False,
            "model_id": None,
        }


class TestPerformanceMetrics:
    """How good the answers are (how fast they are is a benchmark: `make bench`)."""

    def test_accuracy(self):
        """On labelled values, clear faults are found and normal values left alone, over several models."""
        for seed in range(5):
            detector = new_detector()
            detector.train(frame_of(normal_values(1000, seed)))
            rng = np.random.default_rng(seed + 50)
            faults = 25.0 + rng.choice([-1.0, 1.0], 200) * rng.uniform(6.0, 20.0, 200)
            values = np.concatenate([normal_values(1800, seed + 100), faults])
            is_fault = np.arange(2000) >= 1800
            flagged = np.array([each["is_anomaly"] for each in detector.predict_batch(values)["predictions"]])

            assert flagged[is_fault].all()
            assert (flagged == is_fault).mean() > 0.99
