"""A site with tenants: whatever the tasks write carries the tenant of its series."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.migrator import Migrator
from ml_core.bootstrap import Platform
from ml_core.domain.task import Outcome
from tests.migration.platform_site import ONE, TWO, PlatformSite
from tests.migration.site_logins import START, make_telemetry, site_settings, work_a_week

TENANTS = (ONE, TWO)


@pytest.fixture
def site(empty_database: Database) -> PlatformSite:
    """An adopted database of a platform with tenants, whose device PUMP-1 exists in both."""
    made = PlatformSite(empty_database, tenants=TENANTS)
    made.make_tables()
    made.add_detection(made.add_model(tenant=ONE), START.replace(tzinfo=None), tenant=ONE)
    make_telemetry(empty_database, TENANTS)
    Migrator(empty_database).apply()
    return made


@pytest.fixture
def platform(site: PlatformSite, empty_database_url: str, tmp_path: Path) -> Iterator[Platform]:
    """The plugin on that site."""
    with closing(Platform(site_settings(empty_database_url, tmp_path))) as opened:
        yield opened


def test_every_row_carries_the_tenant_of_its_series(site: PlatformSite, platform: Platform) -> None:
    """Two tenants with a device of one name: models, detections and all that hangs on a series stay apart."""
    results = work_a_week(platform, purged=False)

    assert {result.outcome for task, result in results.items() if task != "ml_grafana"} == {Outcome.SUCCEEDED}
    series = dict(site.execute("SELECT id, tenant_id FROM ml_health.series"))
    assert sorted(series.values()) == [ONE, TWO]
    for table in ("public.ml_models", "public.anomaly_detections"):
        rows = site.execute(f"SELECT tenant_id, series_id FROM {table} WHERE series_id IS NOT NULL")
        assert {series[series_id] for _, series_id in rows} == {ONE, TWO}, table
        assert all(tenant == series[series_id] for tenant, series_id in rows), table


def test_a_model_learns_and_judges_its_own_tenants_readings_only(site: PlatformSite, platform: Platform) -> None:
    """Readings of the other tenant's device of the same name are not seen: a different spike, a different model."""
    site.execute("UPDATE public.telemetry SET value = value + 500 WHERE tenant_id = %(two)s", {"two": TWO})

    work_a_week(platform, purged=False)

    spikes = site.execute(
        "SELECT tenant_id, max(value) FROM public.anomaly_detections WHERE series_id IS NOT NULL "
        "AND is_anomaly GROUP BY 1 ORDER BY 1"
    )
    assert spikes == [(ONE, 90.0), (TWO, 590.0)]
    shared = site.execute("SELECT count(DISTINCT artifact_sha256) FROM public.ml_models WHERE status = 'active'")
    assert shared == [(2,)]


def test_dashboards_can_tell_tenants_apart(site: PlatformSite, platform: Platform) -> None:
    """Each view that speaks of a series has its tenant, so that a site can wall its readers off."""
    work_a_week(platform, purged=False)
    views = site.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'grafana' AND column_name = 'series_id'"
    )

    assert len(views) >= 5
    for (view,) in views:
        told = site.execute(
            f"SELECT count(*) FROM grafana.{view} AS told JOIN ml_health.series ON series.id = told.series_id "
            "WHERE told.tenant_id IS DISTINCT FROM series.tenant_id"
        )
        assert told == [(0,)], view
