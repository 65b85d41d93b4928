"""One scored batch of one series: what the detector says, and everything that it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from ml_core.domain.detectors.detector import EMPTY_STATE, ModelArtifact
from ml_core.domain.detectors.frozen_reference import find_reference
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.scoring.episode import Episode, follow_episodes
from ml_core.domain.scoring.rollup import HourlyActivity, roll_up
from ml_core.domain.scoring.scored_answer import NOTHING_SCORED, check_answer
from ml_core.domain.scoring.scoring_state import NO_INSTANTS, NewReadings, ScoringState
from ml_core.domain.series import SeriesKey, to_instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.scoring.alert import Alert


@dataclass(frozen=True, kw_only=True)
class SeriesScoring:
    """Everything that one scored batch of one series changes."""

    key: SeriesKey
    before: ScoringState
    after: ScoringState
    scored: ScoredReadings
    frozen_scores: NDArray[np.float64] | None
    """Scores of the frozen reference, shape (n,); None where the kind has none."""
    episodes: Sequence[Episode]
    """Episodes opened, continued or closed by this batch, in order."""
    activity: Sequence[HourlyActivity]
    late: int
    dropped: int
    out_of_range: int
    latency_ms: float | None
    """Wall time of the scoring call; None where there was nothing to score."""
    alerts: Sequence[Alert] = ()
    """What people are told of these episodes, or spared from."""

    @property
    def episodes_opened(self) -> int:
        """Episodes that this batch opened."""
        return sum(episode.episode_id is None for episode in self.episodes)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a detector said of a batch, the state it leaves, and the wall time of the call, or its share of one."""

    scored: ScoredReadings
    state: bytes
    latency_ms: float


def carried_state(before: ScoringState, model_id: UUID) -> bytes:
    """The state to go on from; under another model than before, the detector starts with an empty one."""
    return before.state if before.model_id == model_id else EMPTY_STATE


def conclude_batch(
    told: Told,
    artifact: ModelArtifact,
    before: ScoringState,
    new: NewReadings,
    *,
    key: SeriesKey,
    model_id: UUID,
    lateness: timedelta,
) -> SeriesScoring:
    """Everything that an answer changes; DetectorAnswerError where it is none."""
    check_answer(told.scored, told.state, new.batch)
    return _conclude(
        replace(before, model_id=model_id, state=told.state),
        before,
        new,
        told.scored,
        key=key,
        lateness=lateness,
        latency_ms=told.latency_ms,
        frozen_scores=_frozen_scores(artifact, told.scored),
        is_out=_out_of_range(told.scored.values, artifact),
    )


def pass_by(before: ScoringState, new: NewReadings, *, key: SeriesKey, lateness: timedelta) -> SeriesScoring:
    """Move on over rows of which none can be scored."""
    return _conclude(before, before, new, NOTHING_SCORED, key=key, lateness=lateness)


def _conclude(
    after: ScoringState,
    before: ScoringState,
    new: NewReadings,
    scored: ScoredReadings,
    *,
    key: SeriesKey,
    lateness: timedelta,
    latency_ms: float | None = None,
    frozen_scores: NDArray[np.float64] | None = None,
    is_out: NDArray[np.bool_] | None = None,
) -> SeriesScoring:
    episodes = follow_episodes(before.open_episode, scored)
    at = scored.timestamps
    out_at = NO_INSTANTS if is_out is None else at[is_out]
    opened = [to_instant(episode.opened_at) for episode in episodes if episode.episode_id is None]
    events = {
        "scored": at,
        "anomalies": at[scored.is_anomaly],
        "episodes": np.array(opened, dtype="datetime64[us]"),
        "late": at[new.is_late],
        "dropped": new.dropped_at,
        "out_of_range": out_at,
    }
    return SeriesScoring(
        key=key,
        before=before,
        after=replace(
            after,
            watermark=new.watermark,
            recent=_recent(before, new, lateness),
            open_episode=_still_open(before.open_episode, episodes),
        ),
        scored=scored,
        frozen_scores=frozen_scores,
        episodes=episodes,
        activity=roll_up(events, latency_ms=latency_ms),
        late=int(new.is_late.sum()),
        dropped=len(new.dropped_at),
        out_of_range=len(out_at),
        latency_ms=latency_ms,
    )


def _frozen_scores(artifact: ModelArtifact, scored: ScoredReadings) -> NDArray[np.float64] | None:
    reference = find_reference(artifact)
    return None if reference is None else reference.scores(scored.values)


def _recent(before: ScoringState, new: NewReadings, lateness: timedelta) -> NDArray[np.datetime64]:
    """Nothing older than the window can still be late, so only its instants are kept."""
    instants = np.concatenate([before.recent, new.batch.timestamps])
    kept: NDArray[np.datetime64] = np.sort(instants[instants > to_instant(new.watermark - lateness)])
    return kept


def _still_open(before: Episode | None, told: Sequence[Episode]) -> Episode | None:
    last = told[-1] if told else before
    return last if last is not None and last.closed_at is None else None


def _out_of_range(values: NDArray[np.float64], artifact: ModelArtifact) -> NDArray[np.bool_]:
    """Which values lie outside of what the model was trained on; none where the artifact does not say."""
    low = artifact.metadata.get("value_min", -np.inf)
    high = artifact.metadata.get("value_max", np.inf)
    is_out: NDArray[np.bool_] = (values < low) | (values > high)
    return is_out
