"""What people say of readings: taken from a command, or from the page of the API, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from ml_core.domain.reviews.operator_verdict import OF_ALARMS, OF_QUIET_READINGS, NewVerdict, OperatorVerdict
from ml_core.domain.scoring.anomaly import Anomaly, AuditedHour
from ml_core.errors import ConfigurationError
from ml_core.ports.anomaly_log import AnomalyLog
from ml_core.ports.audit_log import AuditLog
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.ports.verdict_log import VerdictLog
from ml_core.services.named_series import list_named

HOUR, INSTANT = timedelta(hours=1), timedelta.resolution
MAX_STRETCH = timedelta(days=7)
"""A missed stretch is never trained on, so nobody takes a month away by a slip of the pen."""

_STRETCHES = UUID("5f0e8a54-6f0b-5d0f-9d0d-0a4b9b3f9c51")


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a person says, and who."""

    answer: OperatorVerdict
    given_by: str
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reviews:
    """Takes opinions in; each method answers the verdicts that it kept, or raises ConfigurationError."""

    anomalies: AnomalyLog
    audits: AuditLog
    verdicts: VerdictLog
    series: SeriesRegistry
    now: datetime

    def judge(self, subject: UUID, opinion: Opinion) -> list[NewVerdict]:
        """Keep an opinion on one reading of the anomaly log, or on an hour of the audit."""
        reading = self.anomalies.find(subject)
        if reading is not None:
            return self._keep([self._on_reading(reading, opinion)])
        hour = self.audits.find(subject)
        if hour is None:
            raise ConfigurationError(
                f"{subject} is neither an anomaly nor an hour of the audit; `ml-health anomalies` and "
                "`ml-health audit` list them"
            )
        return self._keep([self._on_hour(hour, opinion)])

    def judge_episode(self, episode_id: int, opinion: Opinion) -> list[NewVerdict]:
        """Keep an opinion on every alarm of an episode; together they count as one review."""
        alarms = self.anomalies.list_episode(episode_id)
        if not alarms:
            raise ConfigurationError(
                f"there is no episode {episode_id} with alarms in the log; `ml-health anomalies` shows each alarm's"
            )
        return self._keep([self._on_reading(alarm, opinion) for alarm in alarms])

    def judge_stretch(self, series: str, begin: datetime, end: datetime, opinion: Opinion) -> list[NewVerdict]:
        """Keep that a stretch of a series DEVICE:METRIC which was not flagged holds an anomaly, or none."""
        _check_answer(opinion.answer, OF_QUIET_READINGS, "a stretch of time")
        if not begin < end <= self.now or end - begin > MAX_STRETCH:
            raise ConfigurationError(
                f"a stretch must begin before it ends, lie in the past and last at most {MAX_STRETCH.days} days; "
                f"got {begin:%Y-%m-%d %H:%M}Z to {end:%Y-%m-%d %H:%M}Z"
            )
        records = list_named(self.series, series)
        ids = [record.series_id for record in records]
        # The stretch holds its begin and not its end, the log's times the other way round.
        flagged = self.anomalies.list_flagged(after=begin - INSTANT, until=end - INSTANT, series_ids=ids, limit=1)
        if flagged:
            raise ConfigurationError(
                f"{series} was flagged in that time, at {flagged[0].timestamp:%Y-%m-%d %H:%M}Z; judge that anomaly "
                f"({flagged[0].detection_id}), or name a stretch without one"
            )
        return self._keep([self._on_stretch(series_id, begin, end, opinion) for series_id in ids])

    def _keep(self, verdicts: Sequence[NewVerdict]) -> list[NewVerdict]:
        self.verdicts.add(*verdicts)
        return list(verdicts)

    def _on_reading(self, reading: Anomaly, opinion: Opinion) -> NewVerdict:
        if reading.is_anomaly:
            _check_answer(opinion.answer, OF_ALARMS, "a flagged reading")
        else:
            _check_answer(opinion.answer, OF_QUIET_READINGS, "a reading that was not flagged")
        return NewVerdict(
            detection_id=reading.detection_id,
            detection_timestamp=reading.timestamp,
            series_id=reading.series_id,
            verdict=opinion.answer,
            given_by=opinion.given_by,
            given_at=self.now,
            note=opinion.note,
            episode_id=reading.episode_id,
        )

    def _on_hour(self, hour: AuditedHour, opinion: Opinion) -> NewVerdict:
        _check_answer(opinion.answer, OF_QUIET_READINGS, "an hour of the audit")
        return NewVerdict(
            detection_id=hour.sample_id,
            detection_timestamp=hour.hour,
            series_id=hour.series_id,
            verdict=opinion.answer,
            given_by=opinion.given_by,
            given_at=self.now,
            note=opinion.note,
            window_until=hour.hour + HOUR,
        )

    def _on_stretch(self, series_id: int, begin: datetime, end: datetime, opinion: Opinion) -> NewVerdict:
        return NewVerdict(
            detection_id=uuid5(_STRETCHES, f"{series_id}|{begin.isoformat()}|{end.isoformat()}"),
            detection_timestamp=begin,
            series_id=series_id,
            verdict=opinion.answer,
            given_by=opinion.given_by,
            given_at=self.now,
            note=opinion.note,
            window_until=end,
        )


def _check_answer(answer: OperatorVerdict, allowed: Sequence[OperatorVerdict], what: str) -> None:
    if answer not in allowed:
        words = " or ".join(it.words for it in allowed)
        raise ConfigurationError(f"{what} is {words}, not {answer.words}")
