"""Tenants that call a device and its metric the same are never mixed, and what is of one is not shown to another."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ml_core.adapters.postgres.database import Database
from tests.grafana.conftest import Answer
from tests.grafana.fleet_rows import NOW, TENANT, add_activity, add_fleet, add_history
from tests.grafana.macro_expander import Viewer

OTHER = UUID(int=5)
SERIES = {"device": ("PUMP-1",), "metric": ("temperature",)}
Board = dict[str, Any]


@pytest.fixture
def _two_tenants(database: Database) -> None:
    """A fleet with a day of everything, and another tenant's pump of the same name that measures 1,000."""
    ids = add_fleet(database)
    add_activity(database, ids)
    add_history(database, ids)
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, state, health, health_reasons,"
            " discovered_at) VALUES (%s, 'PUMP-1', 'temperature', 'modelled', 'degraded', '{}', %s) RETURNING id",
            (OTHER, NOW),
        )
        (series_id,) = cur.fetchone() or (0,)
        cur.execute(
            "INSERT INTO public.ml_models (tenant_id, series_id, device_id, metric_name, version, status, trained_at,"
            " target_alarm_rate) VALUES (%s, %s, 'PUMP-1', 'temperature', 1, 'active', %s, 0.01)",
            (OTHER, series_id, NOW),
        )
        cur.execute(
            "INSERT INTO ml_health.telemetry (tenant_id, device_id, metric_name, timestamp, value)"
            " SELECT %s, 'PUMP-1', 'temperature', at, 1000 FROM generate_series(%s, %s, interval '10 minutes') AS at",
            (OTHER, NOW - timedelta(hours=12), NOW),
        )


@pytest.mark.usefixtures("_two_tenants")
def test_a_device_is_drawn_its_own_readings(
    boards: list[Board], ask: Callable[..., Answer], show: Callable[..., Answer], viewer: Viewer
) -> None:
    """Whoever opens the device dashboard with all tenants sees the device of one of them."""
    (board,) = [board for board in boards if board["uid"] == "mlh-device"]
    (variable,) = [variable for variable in board["templating"]["list"] if variable["name"] == "device_tenant"]
    found = [row[0] for row in ask(variable["query"], replace(viewer, chosen=SERIES))[1]]
    drawn = {}
    for tenant in found:
        chosen = replace(viewer, chosen={**SERIES, "device_tenant": (tenant,)})
        assert len(show("The model now", chosen)[1]) == 1
        drawn[tenant] = max(row[1] for row in show("Readings and expected band", chosen)[1])

    assert "includeAll" not in variable or not variable["includeAll"]
    assert list(drawn) == [str(TENANT), str(OTHER)]
    assert drawn[str(TENANT)] < 100
    assert drawn[str(OTHER)] == 1000


def test_a_drill_down_says_whose_device_it_is(boards: list[Board]) -> None:
    """Every link to the device dashboard hands on the row's tenant, and does not narrow the fleet to it."""
    links = [
        link["url"]
        for board in boards
        for panel in board["panels"]
        for override in panel["fieldConfig"]["overrides"]
        for chosen in override["properties"]
        if chosen["id"] == "links"
        for link in chosen["value"]
        if link["url"].startswith("/d/mlh-device?")
    ]

    assert len(links) == 8
    assert all("&var-device_tenant=${__data.fields.Tenant:percentencode}" in url for url in links)
    assert all("${tenant:queryparam}" in url for url in links)


@pytest.mark.usefixtures("_two_tenants")
@pytest.mark.parametrize("title", ["Open incidents", "Incidents opened and resolved", "Devices needing attention"])
def test_what_is_of_one_tenant_is_not_shown_to_another(
    show: Callable[..., Answer], viewer: Viewer, title: str, database: Database
) -> None:
    """An incident of the one is there for all tenants and for itself; what belongs to the site is everybody's."""
    owners, others = (replace(viewer, chosen={"tenant": (str(tenant),)}) for tenant in (TENANT, OTHER))
    device = "PUMP-3"

    def told(seen_by: Viewer) -> bool:
        rows = show(title, seen_by)[1]
        return any(device in row for row in rows) if title.startswith("Devices") else bool(rows)

    assert told(viewer)
    assert told(owners)
    assert not told(others)
    with database.transaction() as cur:
        cur.execute("UPDATE ml_health.finding SET series_id = NULL")
    assert title.startswith("Devices") or told(others)
