"""The purge on real PostgreSQL and real files: what goes, what stays, and what asks first."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import fsspec
import psycopg2
import pyarrow.parquet as pq
import pytest
from psycopg2.extensions import make_dsn

from ml_core.adapters.artifacts.detection_archive import ParquetArchive
from ml_core.adapters.ledgers.retention_log import PostgresRetentionLog
from ml_core.adapters.postgres.database import Database
from ml_core.domain.model_version import ModelStatus
from ml_core.domain.task import Outcome
from ml_core.errors import ConfigurationError, ConflictError
from ml_core.services.retention import Purge
from ml_core.services.runs import RunRecorder
from tests.integration.purge_site import DAY, NOW, Site, days_ago

HASH = re.compile(r"confirm=([0-9a-f]{12})")
WAIT_S = 30.0
WAITS_FOR_A_LOCK = (
    "SELECT count(*) > 0 FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE NOT granted AND datname = current_database()"
)


@pytest.fixture
def site(database: Database, database_url: str, tmp_path: Path) -> Iterator[Site]:
    """A site with nothing on it."""
    opened = Site(database, database_url, tmp_path)
    yield opened
    opened.platform.close()


def hash_of(reason: str | None) -> str:
    """The plan's hash in what a refused purge says."""
    found = HASH.search(reason or "")
    assert found, reason
    return found[1]


def add_runaway(site: Site, number: int = 21) -> int:
    """One series with more expired rejects than go unasked."""
    series_id = site.add_series()
    site.add_active(series_id, days_ago(1))
    for _ in range(number):
        site.give_up(site.add_candidate(series_id, days_ago(40)), ModelStatus.REJECTED, days_ago(40))
    return series_id


def recorder(site: Site) -> RunRecorder:
    """A run without a slot that nobody stops."""
    return RunRecorder(
        ledger=site.platform.runs,
        run=None,
        now=NOW,
        should_stop=lambda: False,
        progress=lambda what, done, total: None,
    )


def make_purge(site: Site) -> Purge:
    """The service, for what happens between its plan and its work."""
    return Purge(
        models=site.platform.models,
        artifacts=site.platform.artifacts,
        retention=site.platform.retention,
        archive=None,
        policy=site.platform.settings.retention,
        now=NOW,
    )


# Versions and their artifacts


def test_retired_versions_go_after_their_time_but_for_the_last_three(site: Site) -> None:
    """Ten weekly versions: of the nine that retired, those over 30 days old go; rows and events tell it."""
    series_id = site.add_series()
    versions = site.add_weeks(series_id, 10, first_days_ago=70)

    result = site.purge()

    assert result.outcome is Outcome.SUCCEEDED
    # Version n retired when n + 1 was promoted, 70 - 7 n days ago.
    assert site.statuses() == ["purged"] * 5 + ["retired"] * 4 + ["active"]
    assert result.counts["versions"] == 5
    assert sorted(site.trash()) == sorted(str(version.artifact_sha256) for version in versions[:5])
    assert site.artifacts() == {version.artifact_sha256 for version in versions[5:]}
    told = site.rows("SELECT count(*), min(happened_at), min(reason) FROM ml_health.model_event WHERE event = 'purged'")
    assert told == [(5, NOW, "retired for longer than is kept")]
    assert {v.artifact_purged_at for v in site.platform.models.list_versions(statuses=[ModelStatus.PURGED])} == {NOW}


@pytest.mark.parametrize("status", [ModelStatus.REJECTED, ModelStatus.QUARANTINED])
def test_versions_that_were_given_up_go_after_a_week(site: Site, status: ModelStatus) -> None:
    """A week from the day they were given up, however old they were then."""
    series_id = site.add_series()
    site.add_active(series_id, days_ago(50))
    for given_up in (9, 5):
        site.give_up(site.add_candidate(series_id, days_ago(40)), status, days_ago(given_up))

    site.purge()

    assert site.statuses() == ["active", "purged", status.value]


def test_pinned_and_cited_versions_stay(site: Site) -> None:
    """A pin, an open finding, and a mended finding whose incident is still open each keep a version."""
    series_id = site.add_series()
    pinned, cited, of_incident, mended = (site.add_candidate(series_id, days_ago(40)) for _ in range(4))
    for version in (pinned, cited, of_incident, mended):
        site.give_up(version, ModelStatus.REJECTED, days_ago(40))
    site.platform.models.pin(pinned.model_id, pinned=True, at=days_ago(39))
    site.add_finding(series_id, cited.model_id, resolved=False)
    site.add_finding(series_id, of_incident.model_id, incident_id=site.add_incident(), resolved=True)
    site.add_finding(series_id, mended.model_id, resolved=True)

    site.purge()

    assert site.statuses() == ["rejected", "rejected", "rejected", "purged"]


def test_an_artifact_that_another_series_still_uses_stays(site: Site) -> None:
    """Two sensors with the same readings have models of the same bytes."""
    one, other = site.add_series("PUMP-1"), site.add_series("PUMP-2")
    rejected = site.add_candidate(one, days_ago(40), content=b"the same")
    site.give_up(rejected, ModelStatus.REJECTED, days_ago(40))
    site.add_active(other, days_ago(40), content=b"the same")

    result = site.purge()

    assert site.statuses() == ["purged", "active"]
    assert site.artifacts() == {rejected.artifact_sha256}
    assert result.counts["bytes_trashed"] == 0


def test_two_expired_versions_with_the_same_bytes_go_together(site: Site) -> None:
    """Nobody else needs them."""
    series_id = site.add_series()
    for _ in range(2):
        site.give_up(
            site.add_candidate(series_id, days_ago(40), content=b"the same"), ModelStatus.REJECTED, days_ago(40)
        )

    site.purge()

    assert site.statuses() == ["purged", "purged"]
    assert site.artifacts() == set()
    assert len(site.trash()) == 1


def test_the_trash_is_emptied_after_a_week(site: Site) -> None:
    """Until then a purged model's bytes can still be brought back by hand."""
    site.give_up(site.add_candidate(site.add_series(), days_ago(40)), ModelStatus.REJECTED, days_ago(40))
    site.purge()

    site.purge(NOW + 6 * DAY)
    before = site.trash()
    result = site.purge(NOW + 8 * DAY)

    assert len(before) == 1
    assert site.trash() == []
    assert result.counts["bytes_freed"] == len(b"model 1")


def test_orphans_are_swept_by_age(site: Site) -> None:
    """An artifact that no version names goes when it is older than a day, a young one may still get its version."""
    old = site.store(b"left by a writer that died", written_at=days_ago(3))
    young = site.store(b"its version comes in a moment", written_at=days_ago(0.01))

    result = site.purge()

    assert site.artifacts() == {young}
    assert site.trash() == [old]
    assert result.counts["orphans"] == 1


def test_bytes_that_are_trained_again_after_the_plan_stay(site: Site) -> None:
    """A training that ended before it named its artifact is repeated while the purge is about to take that."""
    series_id = site.add_series()
    site.store(b"same bytes", written_at=days_ago(2))
    purge = make_purge(site)
    plan = purge.plan()
    version = site.add_candidate(series_id, NOW, content=b"same bytes")

    purge.carry_out(plan, recorder(site))

    assert plan.orphans == (version.artifact_sha256,)
    assert site.artifacts() == {version.artifact_sha256}


def test_a_version_that_was_put_to_use_after_the_plan_stays(site: Site) -> None:
    """Somebody rolled back while the purge was being confirmed."""
    series_id = site.add_series()
    versions = site.add_weeks(series_id, 6, first_days_ago=100)
    purge = make_purge(site)
    plan = purge.plan()
    site.platform.models.promote(versions[0].model_id, champion_id=versions[5].model_id, at=NOW, reason="roll back")

    done = purge.carry_out(plan, recorder(site))

    assert [version.version for version in done.stayed] == [1]
    assert site.statuses() == ["active", "purged", "retired", "retired", "retired", "retired"]
    assert versions[0].artifact_sha256 in site.artifacts()


def test_the_database_refuses_to_mark_an_active_or_pinned_version_purged(site: Site) -> None:
    """Whoever asks, and however: by the registry or by hand."""
    version = site.add_active(site.add_series(), days_ago(40))

    with pytest.raises(ConflictError):
        site.platform.models.set_status(
            version.model_id, ModelStatus.PURGED, at=NOW, reason="by mistake", event="purged"
        )
    with pytest.raises(psycopg2.errors.RestrictViolation):
        site.rows("UPDATE public.ml_models SET artifact_purged_at = %s", (NOW,))
    with pytest.raises(psycopg2.errors.RestrictViolation):
        site.rows("UPDATE public.ml_models SET status = 'retired', pinned = true, artifact_purged_at = %s", (NOW,))
    assert site.statuses() == ["active"]


PURGING = (
    "UPDATE public.ml_models SET artifact_purged_at = now() WHERE version = %s",
    "UPDATE public.ml_models SET status = 'purged' WHERE version = %s",
    "UPDATE public.ml_models SET status = 'purged', pinned = false, artifact_purged_at = now() WHERE version = %s",
    "UPDATE public.ml_models SET artifact_sha256 = NULL WHERE version = %s",
    "UPDATE public.ml_models SET artifact_sha256 = repeat('0', 64) WHERE version = %s",
    "UPDATE public.ml_models SET series_id = NULL, adopted = true WHERE version = %s",
    "DELETE FROM public.ml_models WHERE version = %s",
)


@pytest.mark.parametrize("statement", PURGING)
def test_no_statement_takes_a_version_that_is_needed(site: Site, statement: str) -> None:
    """As the owner, by SQL: active, previous, pinned, cited, or cited by what is mended in an open incident."""
    series_id = site.add_series()
    versions = site.add_weeks(series_id, 7, first_days_ago=400)
    site.platform.models.pin(versions[1].model_id, pinned=True, at=days_ago(100))
    site.add_finding(series_id, versions[2].model_id, resolved=False)
    site.add_finding(series_id, versions[3].model_id, incident_id=site.add_incident(), resolved=True)
    before = site.rows("SELECT to_jsonb(model) FROM public.ml_models AS model ORDER BY version")

    refusals = (psycopg2.errors.RestrictViolation, psycopg2.errors.CheckViolation, psycopg2.errors.ForeignKeyViolation)
    for needed in (2, 3, 4, 6, 7):
        with pytest.raises(refusals):
            site.rows(statement, (needed,))

    assert site.rows("SELECT to_jsonb(model) FROM public.ml_models AS model ORDER BY version") == before


def test_a_version_that_nobody_needs_goes(site: Site) -> None:
    """The rule above keeps only what it names: an older retired version may be purged, by hand too."""
    site.add_weeks(site.add_series(), 4, first_days_ago=400)

    site.rows("UPDATE public.ml_models SET status = 'purged', artifact_purged_at = now() WHERE version = 1")

    assert site.statuses() == ["purged", "retired", "retired", "active"]


def test_a_version_that_is_cited_after_the_plan_stays(site: Site) -> None:
    """A finding that opens between plan and purge keeps its model; the rest of the plan is carried out."""
    series_id = site.add_series()
    versions = site.add_weeks(series_id, 10, first_days_ago=120)
    purge = make_purge(site)
    plan = purge.plan()
    site.add_finding(series_id, versions[0].model_id, resolved=False)

    done = purge.carry_out(plan, recorder(site))

    assert [version.version for version in done.stayed] == [1]
    assert site.statuses()[:2] == ["retired", "purged"]
    assert versions[0].artifact_sha256 in site.artifacts()


# Stopped and killed half-way


def test_a_purge_that_was_stopped_goes_on_in_its_slot(site: Site) -> None:
    """What was purged before the stop stays purged, and the rest goes on the second attempt."""
    series_id = site.add_series()
    for _ in range(4):
        site.give_up(site.add_candidate(series_id, days_ago(40)), ModelStatus.REJECTED, days_ago(40))
    asked = iter([False, False, True])

    stopped = site.purge(should_stop=lambda: next(asked))
    half_way = site.statuses()
    resumed = site.purge()

    assert stopped.outcome is Outcome.INTERRUPTED
    assert half_way == ["purged", "purged", "rejected", "rejected"]
    assert (resumed.outcome, resumed.attempt) == (Outcome.SUCCEEDED, 2)
    assert site.statuses() == ["purged"] * 4
    assert site.artifacts() == set()
    assert len(site.trash()) == 4


def test_a_purge_that_was_killed_half_way_is_taken_up_again(site: Site) -> None:
    """SIGKILL between two versions: one is marked, its file becomes an orphan, and the next attempt ends it all."""
    first, second = site.add_series("PUMP-1"), site.add_series("PUMP-2")
    for series_id in (first, second):
        site.give_up(site.add_candidate(series_id, days_ago(40)), ModelStatus.REJECTED, days_ago(40))

    with closing(psycopg2.connect(site.url)) as holder, holder.cursor() as cur:
        cur.execute("SELECT FROM ml_health.series WHERE id = %s FOR UPDATE", (second,))
        child = start_purge(site)
        wait_for(site, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        child.kill()
        child.wait()
    wait_for(site, "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')")
    half_way = site.statuses()
    resumed = site.purge()

    assert half_way == ["purged", "rejected"]
    assert (resumed.outcome, resumed.attempt) == (Outcome.SUCCEEDED, 2)
    assert resumed.counts["orphans"] == 1
    assert site.statuses() == ["purged", "purged"]
    assert site.artifacts() == set()


def start_purge(site: Site) -> subprocess.Popen[bytes]:
    """The purge in a process of its own."""
    environment = os.environ | {"ML_HEALTH_HOME": str(site.home), "ML_HEALTH_DATABASE_URL": site.url}
    command = [sys.executable, "-m", "ml_core.entrypoints.cli", "run", "ml_purge", "--now", NOW.isoformat()]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(site: Site, query: str) -> None:
    """Return when a query answers true."""
    until = time.monotonic() + WAIT_S
    while site.rows(query) != [(True,)]:
        assert time.monotonic() < until, query
        time.sleep(0.05)


# How much may go unasked


def test_a_runaway_purge_stops_and_goes_with_its_hash(site: Site) -> None:
    """It removes nothing, says how to look at it, and the command it tells then works."""
    add_runaway(site)
    before = site.snapshot()

    refused = site.purge()
    after = site.snapshot()
    plan_hash = hash_of(refused.reason)
    slot = NOW + timedelta(hours=1)
    confirmed = site.purge(slot, slot=slot, params={"confirm": plan_hash})

    assert refused.outcome is Outcome.FAILED
    assert "models 21 (at most 20)" in str(refused.reason)
    assert "--dry-run" in str(refused.reason)
    assert {name: rows for name, rows in after.items() if name != "ml_health.run"} == {
        name: rows for name, rows in before.items() if name != "ml_health.run"
    }
    assert confirmed.outcome is Outcome.SUCCEEDED
    assert confirmed.counts["versions"] == 21


def test_a_plan_that_changed_needs_a_new_hash(site: Site) -> None:
    """What a person agreed to is what goes."""
    series_id = add_runaway(site)
    old_hash = hash_of(site.purge().reason)
    site.give_up(site.add_candidate(series_id, days_ago(40)), ModelStatus.REJECTED, days_ago(40))

    refused = site.purge(params={"confirm": old_hash})

    assert refused.outcome is Outcome.FAILED
    assert f"{old_hash} was the hash of another plan" in str(refused.reason)
    assert hash_of(refused.reason) != old_hash
    assert "purged" not in site.statuses()


def test_a_plan_keeps_its_hash_for_the_day(site: Site) -> None:
    """Nobody has to hurry: what passes its limit in the afternoon joins the plan of tomorrow."""
    series_id = add_runaway(site)
    site.give_up(site.add_candidate(series_id, days_ago(40)), ModelStatus.REJECTED, days_ago(7) + DAY / 24)
    night = hash_of(site.purge().reason)

    assert hash_of(site.purge(NOW + 10 * DAY / 24, slot=NOW + 10 * DAY / 24).reason) == night
    assert hash_of(site.purge(NOW + DAY).reason) != night


def test_a_dry_run_prints_the_plan_and_its_hash_and_changes_nothing(site: Site) -> None:
    """Each version is named with its series, and whether it would ask."""
    add_runaway(site)
    site.store(b"nobody's", written_at=days_ago(3))
    before = site.snapshot()

    dry = site.purge(dry_run=True)

    assert site.snapshot() == before
    assert dry.outcome is Outcome.SUCCEEDED
    assert (dry.counts["versions"], dry.counts["orphans"], dry.counts["bytes_trashed"]) == (21, 1, 0)
    plan_hash = hash_of(site.purge().reason)
    assert [finding["series"] for finding in dry.findings].count("PUMP-1:flow") == 21
    assert dry.findings[-1]["message"] == f"plan {plan_hash}: needs --param confirm={plan_hash}"


def test_a_clock_thirty_days_ahead_does_not_empty_the_registry(site: Site) -> None:
    """One version of every series expires at once on such a night: too many to go unasked."""
    for number in range(30):
        site.add_weeks(site.add_series(f"PUMP-{number}"), 5, first_days_ago=30)
    assert site.purge().outcome is Outcome.SUCCEEDED
    before = site.statuses()

    leapt = site.purge(NOW + 30 * DAY)

    assert leapt.outcome is Outcome.FAILED
    assert "models 30 (at most 25)" in str(leapt.reason)
    assert site.statuses() == before
    assert site.trash() == []
    assert "purged" not in before


# Detections


def test_old_partitions_are_archived_and_dropped_one_a_month(site: Site) -> None:
    """The archive has the partition's rows, and verdicts on them stay."""
    series_id = site.add_series()
    site.set_up(archive_url=str(site.home / "archive"))
    site.purge(NOW - DAY)
    site.add_detections(series_id, days_ago(210), 100)
    site.add_detections(series_id, days_ago(100), 10)
    columns = ("id", "value", "anomaly_score", "is_anomaly", "frozen_score", "timestamp", "metadata", "series_id")
    oldest = site.partitions()[0]
    old = site.rows(f"SELECT {', '.join(columns)} FROM public.{oldest} ORDER BY timestamp")
    site.rows(
        "INSERT INTO ml_health.verdict (detection_id, detection_timestamp, series_id, verdict, given_by, given_at)"
        " VALUES (%s, %s, %s, 'confirmed', 'anna', %s)",
        (old[0][0], old[0][5], series_id, NOW),
    )
    verdicts = site.rows("SELECT * FROM ml_health.verdict")

    result = site.purge()

    assert result.outcome is Outcome.SUCCEEDED, result.reason
    assert result.counts["archived_rows"] == len(old) == 100
    assert oldest not in site.partitions()
    assert site.rows("SELECT count(*) FROM public.anomaly_detections") == [(10,)]
    assert site.rows("SELECT * FROM ml_health.verdict") == verdicts
    kept = pq.read_table(site.home / "archive" / f"{oldest}.parquet").to_pylist()
    assert [row["id"] for row in kept] == [str(row[0]) for row in old]
    for position, name in enumerate(columns[1:-2], start=1):
        assert [row[name] for row in kept] == [row[position] for row in old], name
    assert {row["metadata"] for row in kept} == {'{"reason": "\\u00b5"}'}
    assert [path.name for path in (site.home / "archive").iterdir()] == [f"{oldest}.parquet"]


def test_without_an_archive_partitions_just_go(site: Site) -> None:
    """An archive is kept where a site asks for it."""
    site.purge(NOW - DAY)
    site.add_detections(site.add_series(), days_ago(210), 5)

    result = site.purge()

    assert (result.counts["partitions"], result.counts["archived_rows"]) == (1, 0)
    assert site.partitions() == []


def test_a_partition_stays_where_its_archive_cannot_be_written(site: Site) -> None:
    """First the copy, then the drop."""
    (site.home / "archive").write_text("a file where a folder should be")
    site.set_up(archive_url=str(site.home / "archive"))
    site.purge(NOW - DAY)
    site.add_detections(site.add_series(), days_ago(210), 5)

    site.give_up(site.add_candidate(site.add_series("PUMP-2"), days_ago(40)), ModelStatus.REJECTED, days_ago(40))

    result = site.purge()

    assert result.outcome is Outcome.FAILED
    assert "so it stays; check that" in str(result.reason)
    assert len(site.partitions()) == 1
    assert len(site.trash()) == 1  # what frees space is done all the same


def test_an_archive_on_a_full_disk_leaves_the_partition_and_no_rest(site: Site) -> None:
    """The write breaks off half-way; the next purge, with space again, loses nothing."""
    site.set_up(archive_url=str(site.home / "archive"))
    site.purge(NOW - DAY)
    site.add_detections(site.add_series(), days_ago(210), 500)
    (oldest, *_), limits = site.partitions(), resource.getrlimit(resource.RLIMIT_FSIZE)
    usual = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, limits[1]))
        full = site.purge()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, usual)

    assert full.outcome is Outcome.FAILED
    assert oldest in site.partitions()
    assert list((site.home / "archive").iterdir()) == []
    rows = site.rows(f"SELECT count(*) FROM public.{oldest}")[0][0]
    assert site.purge().counts["archived_rows"] == rows
    assert pq.read_table(site.home / "archive" / f"{oldest}.parquet").num_rows == rows


def test_rows_that_came_after_their_month_was_archived_get_a_file_of_their_own(site: Site) -> None:
    """The platform may still write into a month that is gone; what was archived of it stays."""
    series_id = site.add_series()
    site.set_up(archive_url=str(site.home / "archive"))
    site.purge(NOW - DAY)
    site.add_detections(series_id, days_ago(210), 100)
    (month,) = site.partitions()
    site.purge()
    site.add_detections(series_id, days_ago(209), 3)

    site.purge(NOW + DAY)

    sizes = {path.name: pq.read_table(path).num_rows for path in (site.home / "archive").iterdir()}
    assert sizes == {f"{month}.parquet": 100, f"{month}.2.parquet": 3}


def test_a_month_that_was_archived_and_not_dropped_is_archived_once(site: Site) -> None:
    """A run may die between the two."""
    site.add_detections(site.add_series(), days_ago(210), 100)
    log, archive = PostgresRetentionLog(site.database), ParquetArchive("memory://archive-once")
    (month,) = site.partitions()
    for _ in range(2):
        archive.write(month, log.read_partition(month, before=days_ago(90)))

    files = fsspec.filesystem("memory").ls("/archive-once", detail=False)
    assert files == [f"/archive-once/{month}.parquet"]


def test_a_month_that_got_a_row_after_it_was_archived_is_not_dropped(site: Site) -> None:
    """The row would be nowhere."""
    site.add_detections(site.add_series(), days_ago(210), 10)
    log = PostgresRetentionLog(site.database)
    (month,) = site.partitions()

    with pytest.raises(psycopg2.errors.RaiseException, match="holds 10 rows, of which 9 are in the archive"):
        log.drop_partition(month, before=days_ago(90), rows=9)
    assert site.partitions() == [month]
    log.drop_partition(month, before=days_ago(90), rows=10)
    assert site.partitions() == []


def test_a_writer_of_a_late_row_and_the_drop_of_its_month_do_not_stop_each_other(site: Site) -> None:
    """Both take the whole log before the month: whoever came first goes on, and the other waits for it."""
    series_id = site.add_series()
    site.add_detections(series_id, days_ago(210), 10)
    (month,) = site.partitions()
    log = PostgresRetentionLog(site.database)
    with closing(psycopg2.connect(site.url)) as writer, ThreadPoolExecutor() as pool:
        with writer.cursor() as cur:
            cur.execute("LOCK TABLE ONLY public.anomaly_detections IN ROW EXCLUSIVE MODE")  # as an earlier INSERT does
            drop = pool.submit(log.drop_partition, month, before=days_ago(90), rows=10)
            wait_for(site, WAITS_FOR_A_LOCK)
            cur.execute(f"UPDATE public.{month} SET severity = 1 WHERE series_id = %s", (series_id,))
            changed = cur.rowcount
        writer.commit()
        drop.result()

    assert changed == 10
    assert site.partitions() == []


def test_an_archive_that_cannot_be_used_is_named_before_anything_goes() -> None:
    """The message names the setting."""
    with pytest.raises(ConfigurationError, match=r"retention\.archive_url has scheme 'nowhere'"):
        ParquetArchive("nowhere://bucket")


def test_batches_of_an_archive_have_one_schema_also_where_the_first_values_are_missing(
    site: Site, tmp_path: Path
) -> None:
    """The first rows have no frozen score, later ones do."""
    site.add_detections(site.add_series(), days_ago(210), 100)
    log = PostgresRetentionLog(site.database, rows_per_batch=3)
    name = site.partitions()[0]

    rows = ParquetArchive(f"file://{tmp_path}/archive").write(name, log.read_partition(name, before=days_ago(90)))

    assert rows == 100
    scores = pq.read_table(tmp_path / "archive" / f"{name}.parquet")["frozen_score"].to_pylist()
    assert scores == [None] * 4 + [0.5] * 96


def test_months_of_detections_do_not_go_at_once_unasked(site: Site) -> None:
    """A retention that was shortened by mistake would drop four months in one night."""
    site.purge(NOW - DAY)
    series_id = site.add_series()
    for days in (150, 120, 90, 60):
        site.add_detections(series_id, days_ago(days), 2)
    site.set_up(detection_days=30)

    refused = site.purge()
    confirmed = site.purge(params={"confirm": hash_of(refused.reason)})

    assert "detections 4 (at most 1)" in str(refused.reason)
    assert confirmed.counts["partitions"] == 4
    assert site.partitions() == []


def test_the_first_purge_of_a_site_asks_before_it_drops_what_was_there(site: Site) -> None:
    """Old detections of a platform came without this program and stay until a person agrees."""
    site.add_detections(site.add_series(), days_ago(300), 2)

    assert "detections 1 (at most 0)" in str(site.purge().reason)
    assert len(site.partitions()) == 1


def test_only_the_function_drops_and_only_what_has_expired(site: Site) -> None:
    """Neither a young partition nor any other table goes, whatever name and time are handed in."""
    series_id = site.add_series()
    now = site.rows("SELECT clock_timestamp()")[0][0]
    site.add_detections(series_id, now - DAY, 2)
    log = PostgresRetentionLog(site.database)

    for name in (site.partitions()[0], "ml_models", "anomaly_detections", "nothing"):
        with pytest.raises(psycopg2.errors.RaiseException, match="no expired partition"):
            log.drop_partition(name, before=now + 3650 * DAY)
    assert site.rows("SELECT count(*) FROM public.anomaly_detections") == [(2,)]


def test_a_purge_needs_no_more_than_the_writers_rights(site: Site) -> None:
    """The writer may neither drop nor read partitions by name; the archive is whole all the same."""
    site.purge(NOW - DAY)
    series_id = site.add_series()
    site.add_detections(series_id, days_ago(210), 50)
    site.give_up(site.add_candidate(series_id, days_ago(40)), ModelStatus.REJECTED, days_ago(40))
    site.platform.close()
    writer = make_dsn(site.url, options="-c role=ml_health_writer")
    site.set_up(writer, archive_url=str(site.home / "archive"))

    with (
        closing(Database(writer)) as database,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
        database.transaction() as cur,
    ):
        cur.execute(f"DROP TABLE public.{site.partitions()[0]}")
    result = site.purge()

    assert result.outcome is Outcome.SUCCEEDED, result.reason
    assert (result.counts["archived_rows"], result.counts["versions"]) == (50, 1)


# History


def test_check_history_goes_but_for_the_newest_of_each_check(site: Site) -> None:
    """Also run items, refused lines and old rollups go, in batches; runs and events stay."""
    series_id = site.add_series()
    site.rows(
        "INSERT INTO ml_health.run (task, slot, outcome, owner, started_at)"
        " SELECT 'ml_health_check', %s - i * interval '1 day', 'succeeded', 'me', %s - i * interval '1 day'"
        " FROM generate_series(80, 119) AS i",
        (NOW, NOW),
    )
    site.rows(
        "INSERT INTO ml_health.check_result (run_id, series_id, check_name, verdict, reason, checked_at)"
        " SELECT id, %s, name, 'ok', 'fine', started_at FROM ml_health.run, unnest(ARRAY['age', 'given_up']) AS name"
        " WHERE name = 'age' OR started_at < %s",
        (series_id, days_ago(100)),
    )
    site.rows(
        "INSERT INTO ml_health.run_item (run_id, series_id, outcome, recorded_at)"
        " SELECT id, %s, 'failed', started_at FROM ml_health.run",
        (series_id,),
    )
    site.rows(
        "INSERT INTO ml_health.rejected_reading (source, line, raw, reason, rejected_at)"
        " VALUES ('a.csv', 1, 'x', 'no number', %s), ('a.csv', 2, 'y', 'no number', %s)",
        (days_ago(91), days_ago(89)),
    )
    site.rows(
        "INSERT INTO ml_health.activity_hourly (series_id, hour, scored, anomalies, episodes, late, dropped,"
        " out_of_range, calls, latency_ms_sum, latency_buckets)"
        " SELECT %s, hour, 6, 0, 0, 0, 0, 0, 1, 1.0, '{}' FROM unnest(%s) AS hour",
        (series_id, [days_ago(731), days_ago(729)]),
    )
    site.rows(
        "INSERT INTO ml_health.fleet_hourly SELECT activity.hour, tenant_id, site, metric_name, scored, anomalies,"
        " episodes, late, dropped, out_of_range, calls, latency_ms_sum, latency_buckets, 0.0"
        " FROM ml_health.activity_hourly AS activity JOIN ml_health.series ON series.id = activity.series_id"
    )

    result = site.purge()

    checks = site.rows("SELECT check_name, count(*), min(checked_at), max(checked_at) FROM ml_health.check_result "
                       "GROUP BY 1 ORDER BY 1")  # fmt: skip
    assert checks == [
        ("age", 11, days_ago(90), days_ago(80)),
        ("given_up", 1, days_ago(101), days_ago(101)),
    ]
    assert site.rows("SELECT count(*), min(recorded_at) FROM ml_health.run_item") == [(11, days_ago(90))]
    assert site.rows("SELECT line FROM ml_health.rejected_reading") == [(2,)]
    assert site.rows("SELECT hour FROM ml_health.activity_hourly") == [(days_ago(729),)]
    assert site.rows("SELECT hour FROM ml_health.fleet_hourly") == [(days_ago(729),)]
    assert site.rows("SELECT count(*) FROM ml_health.run WHERE task = 'ml_health_check'") == [(40,)]
    assert result.counts["history_rows"] == 29 + 18 + 29 + 1 + 1 + 1


def test_history_is_deleted_in_batches_until_nothing_is_left(site: Site) -> None:
    """No single statement holds a year of rows."""
    site.rows(
        "INSERT INTO ml_health.rejected_reading (source, line, raw, reason, rejected_at)"
        " SELECT 'a.csv', i, 'x', 'no number', %s FROM generate_series(1, 10) AS i",
        (days_ago(100),),
    )
    log = PostgresRetentionLog(site.database, rows_per_batch=4)

    deleted = [log.delete_history(before=days_ago(90), rollups_before=days_ago(730)) for _ in range(4)]

    assert deleted == [4, 4, 2, 0]
