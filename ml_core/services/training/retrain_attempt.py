"""One retrain under way: what there is to learn from, and why it may not come to a training."""

from __future__ import annotations

from dataclasses import dataclass

from ml_core.domain.gate.contender import Contender
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.policies import GatePolicy
from ml_core.domain.reviews.judged_readings import JudgedReadings
from ml_core.domain.series import Readings
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.training.retrain_rules import Retrain
from ml_core.domain.training.training_window import SENSOR_CHECKS, check_not_stuck, check_stable


@dataclass(frozen=True, kw_only=True)
class RetrainAttempt:
    """The plan with its readings, and the champion as far as it can be asked."""

    plan: Retrain
    window: Readings
    learned: Readings
    """The window without what people called anomalies or the champion saw far outside of its band."""
    champion: Contender | None
    gold: Readings | None
    judged: JudgedReadings

    @property
    def record(self) -> SeriesRecord:
        """The series."""
        return self.plan.standing.record

    @property
    def serving(self) -> ModelVersion | None:
        """The version in use."""
        return self.plan.standing.champion

    @property
    def fresh(self) -> Readings:
        """Readings that the champion has not learned from."""
        return self.window.between(None if self.serving is None else self.serving.training_to, None)

    @property
    def flat_run(self) -> int | None:
        """The longest run of equal readings that the champion learned from."""
        longest = None if self.serving is None else self.serving.metadata.get("flat_run_max")
        return longest if isinstance(longest, int) else None

    def must_wait(self, min_readings: int) -> bool:
        """Whether it is too early: a drifted series is not refused for having drifted a short while ago."""
        return self.plan.into_shadow and len(self.window) < min_readings

    def find_obstacle(self, gate: GatePolicy) -> str | None:
        """Why no challenger is trained at all."""
        sensor = [check for check in SENSOR_CHECKS if check in self.plan.standing.findings]
        if len(self.fresh) == 0:
            because = f" before the open finding {', '.join(sensor)}" if sensor else ""
            return f"there are no sound readings that the model in use has not learned from{because}"
        if not self.plan.into_shadow:
            return None
        if sensor:
            return f"the series is degraded and the sensor itself is suspected ({', '.join(sensor)})"
        checks = (check_stable(self.window, gate), check_not_stuck(self.window, self.flat_run, gate))
        failed = [f"{check.name}: {check.reason}" for check in checks if not check.passed]
        return "; ".join(failed) or None
