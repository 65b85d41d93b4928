"""The registry on real PostgreSQL: numbering, promotion, roll back, and who wins a race."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import psycopg2
import pytest

from ml_core.adapters.ledgers.gold_windows import PostgresGoldWindows
from ml_core.adapters.ledgers.model_registry import PostgresModelRegistry
from ml_core.adapters.postgres.database import Database
from ml_core.domain.model_version import ModelEvent, ModelStatus, ModelVersion, NewModel, TrainingCause
from ml_core.domain.series import Readings
from ml_core.errors import ConflictError

NOW = datetime(2025, 3, 1, 2, 40, tzinfo=UTC)
TENANT = uuid4()


@pytest.fixture
def series_id(database: Database) -> int:
    """A known series of a tenant."""
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at) "
            "VALUES (%s, 'PUMP-1', 'flow', %s) RETURNING id",
            (TENANT, NOW),
        )
        row = cur.fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def registry(database: Database) -> PostgresModelRegistry:
    """The registry under test."""
    return PostgresModelRegistry(database)


def _new_model(series_id: int, *, sha256: str = "a" * 64) -> NewModel:
    return NewModel(
        series_id=series_id,
        kind="isolation_forest",
        trained_at=NOW,
        cause=TrainingCause.FIRST,
        training_from=NOW - timedelta(days=28),
        training_to=NOW,
        training_samples=4000,
        training_ms=12.5,
        contamination=None,
        n_estimators=100,
        target_alarm_rate=0.001,
        artifact_sha256=sha256,
        artifact_uri="/models/aa/" + sha256,
        artifact_bytes=12_000,
        metadata={"median_interval_s": 600.0},
    )


def _events(database: Database) -> list[tuple[str, str | None]]:
    with database.transaction() as cur:
        cur.execute("SELECT event, reason FROM ml_health.model_event ORDER BY id")
        return cur.fetchall()


def _statuses(registry: PostgresModelRegistry) -> list[ModelStatus]:
    return [version.status for version in registry.list_versions()]


def _champion(registry: PostgresModelRegistry, series_id: int) -> ModelVersion:
    candidate = registry.add(_new_model(series_id))
    registry.promote(candidate.model_id, champion_id=None, at=NOW, reason="first model")
    return candidate


def test_versions_are_numbered_within_their_series(registry: PostgresModelRegistry, series_id: int) -> None:
    """Each training gets the next number, and everything that was told of it comes back."""
    first, second = registry.add(_new_model(series_id)), registry.add(_new_model(series_id))

    assert [first.version, second.version] == [1, 2]
    assert registry.list_versions(series_ids=[series_id]) == [first, second]
    assert first.metadata == {"median_interval_s": 600.0}
    assert first.training_from == NOW - timedelta(days=28)


def test_names_and_tenant_are_the_series_own(
    registry: PostgresModelRegistry, database: Database, series_id: int
) -> None:
    """Every row carries the tenant, device and metric of its series, as other programs expect."""
    registry.add(_new_model(series_id))

    with database.transaction() as cur:
        cur.execute("SELECT tenant_id, device_id, metric_name, model_type, model_path FROM ml_models")
        assert cur.fetchall() == [(TENANT, "PUMP-1", "flow", "isolation_forest", "/models/aa/" + "a" * 64)]


def test_unknown_series_is_refused(registry: PostgresModelRegistry) -> None:
    """A model of a series that nobody discovered is not written."""
    with pytest.raises(ConflictError, match="series 99 is not known"):
        registry.add(_new_model(99))

    assert registry.list_versions() == []


def test_promotion_retires_the_champion(registry: PostgresModelRegistry, database: Database, series_id: int) -> None:
    """The challenger takes over and the champion stays as a retired version, both told."""
    champion = _champion(registry, series_id)
    challenger = registry.add(_new_model(series_id))

    registry.promote(
        challenger.model_id, champion_id=champion.model_id, at=NOW, reason="passed the gate", evidence={"a": 1}
    )

    assert _statuses(registry) == [ModelStatus.RETIRED, ModelStatus.ACTIVE]
    retired, active = registry.list_versions()
    assert (retired.retired_at, retired.outcome_reason) == (NOW, "replaced by version 2")
    assert (active.promoted_at, active.outcome_reason) == (NOW, "passed the gate")
    assert _events(database)[-1] == ("promoted", "passed the gate")


def test_roll_back_is_told_as_such(registry: PostgresModelRegistry, database: Database, series_id: int) -> None:
    """Promoting a retired version brings it back, and the event says that it was a roll back."""
    champion = _champion(registry, series_id)
    challenger = registry.add(_new_model(series_id))
    registry.promote(challenger.model_id, champion_id=champion.model_id, at=NOW, reason="passed")

    registry.promote(champion.model_id, champion_id=challenger.model_id, at=NOW, reason="five times the alarms")

    assert _statuses(registry) == [ModelStatus.ACTIVE, ModelStatus.RETIRED]
    assert registry.list_versions()[0].retired_at is None
    assert _events(database)[-1] == ("rolled_back", "five times the alarms")


def test_promotion_against_a_changed_champion_is_refused(registry: PostgresModelRegistry, series_id: int) -> None:
    """Who compared with a champion that is no longer one changes nothing."""
    _champion(registry, series_id)
    challenger = registry.add(_new_model(series_id))

    with pytest.raises(ConflictError, match="another active version"):
        registry.promote(challenger.model_id, champion_id=None, at=NOW, reason="passed")

    assert _statuses(registry) == [ModelStatus.ACTIVE, ModelStatus.CANDIDATE]


def test_rejected_version_is_never_promoted(registry: PostgresModelRegistry, series_id: int) -> None:
    """What lost at the gate cannot come back."""
    candidate = registry.add(_new_model(series_id))
    registry.set_status(
        candidate.model_id, ModelStatus.REJECTED, at=NOW, reason="too many alarms", event="not_promoted"
    )

    with pytest.raises(ConflictError, match="cannot go from rejected to active"):
        registry.promote(candidate.model_id, champion_id=None, at=NOW, reason="passed")


def _replaced_twice(registry: PostgresModelRegistry, series_id: int) -> tuple[ModelVersion, ModelVersion]:
    """A first champion that is not even the previous one any more, and the one that serves."""
    champion = _champion(registry, series_id)
    second, third = (registry.add(_new_model(series_id)) for _ in range(2))
    registry.promote(second.model_id, champion_id=champion.model_id, at=NOW, reason="passed")
    registry.promote(third.model_id, champion_id=second.model_id, at=NOW, reason="passed")
    return champion, third


def test_purged_version_is_never_promoted(registry: PostgresModelRegistry, series_id: int) -> None:
    """A retired version whose artifact is gone cannot serve again."""
    champion, challenger = _replaced_twice(registry, series_id)
    registry.set_status(champion.model_id, ModelStatus.PURGED, at=NOW, reason="old", event="purged")

    with pytest.raises(ConflictError, match="cannot go from purged to active"):
        registry.promote(champion.model_id, champion_id=challenger.model_id, at=NOW, reason="back")

    assert registry.list_versions()[0].artifact_purged_at == NOW


def test_pinned_version_is_not_purged(registry: PostgresModelRegistry, database: Database, series_id: int) -> None:
    """A pin keeps a version until it is taken off; pinning twice is told once."""
    champion, _ = _replaced_twice(registry, series_id)
    registry.pin(champion.model_id, pinned=True, at=NOW)
    registry.pin(champion.model_id, pinned=True, at=NOW)

    with pytest.raises(ConflictError, match="is pinned"):
        registry.set_status(champion.model_id, ModelStatus.PURGED, at=NOW, reason="old", event="purged")
    registry.pin(champion.model_id, pinned=False, at=NOW)
    registry.set_status(champion.model_id, ModelStatus.PURGED, at=NOW, reason="old", event="purged")

    assert [event for event, _ in _events(database)][-3:] == ["pinned", "unpinned", "purged"]


def test_pinned_champion_gives_way_to_a_roll_back_only(registry: PostgresModelRegistry, series_id: int) -> None:
    """A pin that came while its challenger was trained still holds; a person may go back to an older version."""
    former, champion, challenger = (registry.add(_new_model(series_id)) for _ in range(3))
    registry.promote(former.model_id, champion_id=None, at=NOW, reason="first")
    registry.promote(champion.model_id, champion_id=former.model_id, at=NOW, reason="gate")
    registry.pin(champion.model_id, pinned=True, at=NOW)

    with pytest.raises(ConflictError, match="was pinned meanwhile and stays"):
        registry.promote(challenger.model_id, champion_id=champion.model_id, at=NOW, reason="gate")
    registry.promote(former.model_id, champion_id=champion.model_id, at=NOW, reason="asked for")

    (active,) = registry.list_versions(statuses=[ModelStatus.ACTIVE])
    assert active.version == 1


def test_active_version_is_not_purged(registry: PostgresModelRegistry, series_id: int) -> None:
    """The serving model is safe from any purger."""
    champion = _champion(registry, series_id)

    with pytest.raises(ConflictError, match="cannot go from active to purged"):
        registry.set_status(champion.model_id, ModelStatus.PURGED, at=NOW, reason="old", event="purged")


def test_database_itself_refuses_two_active_versions(
    registry: PostgresModelRegistry, database: Database, series_id: int
) -> None:
    """Even a writer that knows no rules cannot make a second active version."""
    _champion(registry, series_id)
    second = registry.add(_new_model(series_id))

    with (
        pytest.raises(psycopg2.errors.UniqueViolation, match="ml_models_one_active"),
        database.transaction() as cur,
    ):
        cur.execute("UPDATE ml_models SET status = 'active' WHERE id = %s", (second.model_id,))


@pytest.fixture
def two_databases(database_url: str) -> Iterator[tuple[Database, Database]]:
    """Two processes' connections to one database."""
    with closing(Database(database_url)) as one, closing(Database(database_url)) as other:
        yield one, other


def test_of_two_promoters_one_wins(
    registry: PostgresModelRegistry, series_id: int, two_databases: tuple[Database, Database]
) -> None:
    """Two processes that promote at once leave one champion, and the loser is told."""
    champion = _champion(registry, series_id)
    challengers = [registry.add(_new_model(series_id)) for _ in two_databases]
    start, lost = threading.Barrier(2), []

    def promote(connection: Database, challenger: ModelVersion) -> None:
        start.wait()
        try:
            PostgresModelRegistry(connection).promote(
                challenger.model_id, champion_id=champion.model_id, at=NOW, reason="passed"
            )
        except ConflictError as exc:
            lost.append(str(exc))

    threads = [threading.Thread(target=promote, args=pair) for pair in zip(two_databases, challengers, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(lost) == 1
    assert sorted(_statuses(registry)) == [ModelStatus.ACTIVE, ModelStatus.CANDIDATE, ModelStatus.RETIRED]


def test_of_two_trainers_each_gets_its_own_number(
    registry: PostgresModelRegistry, series_id: int, two_databases: tuple[Database, Database]
) -> None:
    """Versions added at once are numbered one after the other, and none is lost."""
    start = threading.Barrier(2)

    def add(connection: Database) -> None:
        start.wait()
        PostgresModelRegistry(connection).add(_new_model(series_id))

    threads = [threading.Thread(target=add, args=(connection,)) for connection in two_databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [version.version for version in registry.list_versions()] == [1, 2]


def test_events_without_a_version_are_kept(registry: PostgresModelRegistry, database: Database, series_id: int) -> None:
    """A training that made nothing is told all the same."""
    registry.record([ModelEvent(series_id=series_id, event="failed", happened_at=NOW, reason="memory")])

    assert _events(database) == [("failed", "memory")]


def test_gold_window_comes_back_as_it_was(registry: PostgresModelRegistry, database: Database, series_id: int) -> None:
    """Instants and values of a gold window survive the database bit for bit, the newest rebase counts."""
    gold = PostgresGoldWindows(database)
    model = registry.add(_new_model(series_id))
    stamps = np.datetime64("2025-01-01", "us") + np.arange(50) * np.timedelta64(600_000_001, "us")
    window = Readings(timestamps=stamps, values=np.random.default_rng(1).normal(size=50))
    gold.rebase(series_id, model.model_id, replace(window, values=window.values + 1), at=NOW)
    gold.rebase(series_id, model.model_id, window, at=NOW)

    loaded = gold.load([series_id, series_id + 1])

    assert list(loaded) == [series_id]
    np.testing.assert_array_equal(window.timestamps, loaded[series_id].timestamps)
    np.testing.assert_array_equal(window.values, loaded[series_id].values)
