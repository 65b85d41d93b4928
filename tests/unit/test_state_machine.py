"""The lives of series, versions and health: walks through their tables, and the diagrams drawn from them."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.checks.health import HEALTH_LIFE
from ml_core.domain.model_version import MODEL_LIFE, ModelStatus, check_transition
from ml_core.domain.series_record import SERIES_LIFE, Health, SeriesState
from ml_core.domain.state_machine import StateMachine
from ml_core.errors import ConflictError, TransitionError

DOCUMENT = Path(__file__).parents[2] / "docs" / "lifecycle.md"
LIVES: dict[str, tuple[StateMachine[Any], type[StrEnum]]] = {
    "SERIES_LIFE": (SERIES_LIFE, SeriesState),
    "MODEL_LIFE": (MODEL_LIFE, ModelStatus),
    "HEALTH_LIFE": (HEALTH_LIFE, Health),
}


@pytest.mark.parametrize("name", LIVES)
def test_document_draws_what_the_code_allows(name: str) -> None:
    """The diagram is the table, line for line."""
    life, _ = LIVES[name]
    drawn = re.search(rf"<!-- {name} -->\n```mermaid\n(.*?)\n```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)

    assert drawn is not None
    assert drawn.group(1) == life.to_mermaid()


@pytest.mark.parametrize("name", LIVES)
def test_every_state_can_be_reached(name: str) -> None:
    """From the beginning of a life, each state lies at the end of some walk."""
    life, states = LIVES[name]
    reached = {life.initial}
    while more := {target for state in reached for target in life.targets(state)} - reached:
        reached |= more

    assert reached == set(states)


@pytest.mark.parametrize("name", LIVES)
@given(data=st.data())
def test_walk_keeps_to_the_table(name: str, data: st.DataObject) -> None:
    """Each allowed step is taken without a word; each other one raises, names both ends and moves nothing."""
    life, states = LIVES[name]
    here = life.initial
    for asked in data.draw(st.lists(st.sampled_from(list(states)), max_size=30)):
        if asked in life.targets(here):
            life.check(here, asked)
            here = asked
        else:
            with pytest.raises(TransitionError, match=f"cannot go from {here} to {asked}"):
                life.check(here, asked)


@given(st.lists(st.sampled_from(list(ModelStatus)), max_size=30))
def test_version_serves_only_through_gate_trial_or_roll_back(asked: list[ModelStatus]) -> None:
    """However a version is pushed about: what was rejected, quarantined or purged never serves again."""
    here, lost = ModelStatus.CANDIDATE, False
    for target in asked:
        try:
            check_transition(here, target)
        except ConflictError:
            continue
        here = target
        lost = lost or here in (ModelStatus.REJECTED, ModelStatus.QUARANTINED, ModelStatus.PURGED)

        assert not (lost and here in (ModelStatus.ACTIVE, ModelStatus.SHADOW))


@given(st.lists(st.sampled_from(list(SeriesState)), max_size=30))
def test_modelled_series_stays_modelled(asked: list[SeriesState]) -> None:
    """No failure takes a series' model away."""
    here, modelled = SERIES_LIFE.initial, False
    for target in asked:
        if target in SERIES_LIFE.targets(here):
            here = target
        modelled = modelled or here is SeriesState.MODELLED

        assert not modelled or here is SeriesState.MODELLED


def test_purged_is_final() -> None:
    """The message of a refusal says where else a version could go, or that nothing is left."""
    with pytest.raises(TransitionError, match="final"):
        check_transition(ModelStatus.PURGED, ModelStatus.ACTIVE)
    with pytest.raises(TransitionError, match="it can go: purged"):
        check_transition(ModelStatus.REJECTED, ModelStatus.ACTIVE)
