from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ml_core.adapters.ledgers.series_registry import PostgresSeriesRegistry
from ml_core.adapters.postgres.database import Database
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import Health, SeriesExtent, SeriesState
from ml_core.errors import TransitionError

NOW = datetime(2026, 1, 31, 2, tzinfo=UTC)
TENANT = UUID("11111111-2222-3333-4444-555555555555")
FLOW = SeriesKey(device="pump-1", metric="flow")
HEAT = SeriesKey(device="pump-1", metric="temperature")
OTHER_FLOW = SeriesKey(device="pump-1", metric="flow", tenant=TENANT)


@pytest.fixture
def registry(database: Database) -> PostgresSeriesRegistry:
    """The registry of a fresh database."""
    return PostgresSeriesRegistry(database)


def _extents(*keys: SeriesKey, newest: datetime = NOW) -> list[SeriesExtent]:
    return [SeriesExtent(key=key, first_at=newest, newest_at=newest, readings=1) for key in keys]


def test_new_series_are_added_once(registry: PostgresSeriesRegistry) -> None:
    """A second discovery adds only what is new, and the same device of another tenant is another series."""
    assert registry.register(_extents(FLOW, HEAT), at=NOW) == 2
    assert registry.register(_extents(FLOW, HEAT, OTHER_FLOW), at=NOW) == 1
    assert [record.key for record in registry.list_series()] == [FLOW, HEAT, OTHER_FLOW]


def test_a_new_series_is_collecting(registry: PostgresSeriesRegistry) -> None:
    """Nothing is known of it yet, and unknown is not healthy."""
    registry.register(_extents(FLOW), at=NOW)
    (record,) = registry.list_series()

    assert (record.state, record.health, record.discovered_at, record.adopted) == (
        SeriesState.COLLECTING,
        Health.UNKNOWN,
        NOW,
        False,
    )


def test_the_newest_reading_only_moves_forward(registry: PostgresSeriesRegistry) -> None:
    """A slot run late looks at an earlier moment and takes nothing back."""
    for hours in (0, 2, 1):
        registry.register(_extents(FLOW, newest=NOW + timedelta(hours=hours)), at=NOW)
    (record,) = registry.list_series()

    assert record.newest_reading_at == NOW + timedelta(hours=2)
    assert record.discovered_at == NOW


def test_series_are_found_by_state_and_by_key(registry: PostgresSeriesRegistry) -> None:
    """Either filter, both or none; empty ones find nothing."""
    registry.register(_extents(FLOW, HEAT, OTHER_FLOW), at=NOW)
    heat = registry.list_series(keys=[HEAT])[0]
    registry.save_state(heat.series_id, SeriesState.MODELLED, reason=None)

    def found(**filters: object) -> list[SeriesKey]:
        return [record.key for record in registry.list_series(**filters)]  # type: ignore[arg-type]

    assert found(states=[SeriesState.MODELLED]) == [HEAT]
    assert found(states=[SeriesState.COLLECTING], keys=[OTHER_FLOW, HEAT]) == [OTHER_FLOW]
    assert found(states=[]) == []
    assert found(keys=[]) == []


def test_a_state_reads_back_in_every_part(registry: PostgresSeriesRegistry) -> None:
    """Reason, time of training, failures and circuit; what is not given is emptied."""
    registry.register(_extents(FLOW), at=NOW)
    (before,) = registry.list_series()
    registry.save_state(
        before.series_id,
        SeriesState.CIRCUIT_OPEN,
        reason="three failed trainings",
        trainable_at=NOW,
        training_failures=3,
        circuit_open_until=NOW + timedelta(days=1),
    )
    (opened,) = registry.list_series()
    registry.save_state(before.series_id, SeriesState.MODELLED, reason=None)
    (closed,) = registry.list_series()

    assert (opened.state, opened.state_reason, opened.training_failures) == (
        SeriesState.CIRCUIT_OPEN,
        "three failed trainings",
        3,
    )
    assert (opened.trainable_at, opened.circuit_open_until) == (NOW, NOW + timedelta(days=1))
    assert (closed.state_reason, closed.training_failures, closed.circuit_open_until) == (None, 0, None)


def test_verdicts_of_many_series_are_saved_at_once(registry: PostgresSeriesRegistry) -> None:
    """Each with its own reasons in their order, however many."""
    registry.register(_extents(FLOW, HEAT, OTHER_FLOW), at=NOW)
    flow, heat, other = registry.list_series()
    reasons = ["model is 9 days old", 'a "quoted" {reason}, with commas']
    registry.save_health({flow.series_id: (Health.STALE, reasons), heat.series_id: (Health.HEALTHY, [])}, at=NOW)
    flow, heat, other = registry.list_series()

    assert (flow.health, flow.health_reasons, flow.health_checked_at) == (Health.STALE, tuple(reasons), NOW)
    assert (heat.health, heat.health_reasons) == (Health.HEALTHY, ())
    assert (other.health, other.health_checked_at) == (Health.UNKNOWN, None)


def test_a_series_is_muted_until_then(registry: PostgresSeriesRegistry) -> None:
    """One series of one tenant; a series that is not known cannot be muted."""
    registry.register(_extents(FLOW, OTHER_FLOW), at=NOW)

    assert registry.mute(FLOW, until=NOW + timedelta(days=1), reason="maintenance")
    assert not registry.mute(HEAT, until=NOW, reason=None)

    flow, other = registry.list_series()

    assert (flow.is_muted(NOW), flow.mute_reason, other.is_muted(NOW)) == (True, "maintenance", False)

    registry.mute(FLOW, until=None, reason=None)

    assert not registry.list_series(keys=[FLOW])[0].is_muted(NOW)


def test_series_of_the_platforms_own_models_come_first(registry: PostgresSeriesRegistry, database: Database) -> None:
    """They are marked as adopted and stand before all others."""
    registry.register(_extents(FLOW, HEAT), at=NOW)
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO public.ml_models (series_id, device_id, metric_name, version, adopted, status)"
            " SELECT id, device_id, metric_name, 1, true, 'retired' FROM ml_health.series"
            " WHERE metric_name = 'temperature'"
        )

    assert [(record.key, record.adopted) for record in registry.list_series()] == [
        (HEAT, True),
        (FLOW, False),
    ]


def test_an_unusable_name_in_the_table_hides_nothing_else(
    registry: PostgresSeriesRegistry, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A series adopted under a name that breaks the rule is left out and told."""
    registry.register(_extents(FLOW), at=NOW)
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at)"
            " VALUES (%s, 'a/../b', 'flow', %s)",
            (TENANT, NOW),
        )

    assert [record.key for record in registry.list_series()] == [FLOW]
    assert "'..' part" in caplog.text


def test_step_that_is_not_allowed_changes_nothing(registry: PostgresSeriesRegistry) -> None:
    """A series that has a model is not called collecting again, whoever asks for it."""
    registry.register(_extents(FLOW), at=NOW)
    (record,) = registry.list_series()
    registry.save_state(record.series_id, SeriesState.MODELLED, reason=None)

    with pytest.raises(TransitionError, match="a series cannot go from modelled to collecting"):
        registry.save_state(record.series_id, SeriesState.COLLECTING, reason="too few readings")
    (after,) = registry.list_series()

    assert (after.state, after.state_reason) == (SeriesState.MODELLED, None)
