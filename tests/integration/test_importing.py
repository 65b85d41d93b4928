from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import make_dsn

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.readings.reading_files import FileOptions, read_readings
from ml_core.adapters.readings.reading_store import MAX_RAW_CHARACTERS, PostgresReadingStore
from ml_core.adapters.readings.telemetry import PostgresTelemetry, TelemetryMapping
from ml_core.adapters.readings.telemetry_mapping import OWN_RELATION
from ml_core.domain.series import Readings, SeriesKey
from ml_core.entrypoints.cli import call
from ml_core.ports.reading_store import ReadingBatch, RejectedReading, RejectReason
from ml_core.ports.telemetry import Window
from ml_core.services.importing import ImportReport, import_readings

START = datetime(2026, 1, 31, tzinfo=UTC)
NOW = datetime(2026, 2, 28, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
LATENESS = timedelta(minutes=10)
FLOW = SeriesKey(device="pump-1", metric="flow")
Row = tuple[int, float]


def _batch(*rows: Row, first_line: int = 2, rejected: tuple[RejectedReading, ...] = ()) -> ReadingBatch:
    """Rows of one series as (minute, value)."""
    minutes = np.array([minute for minute, _ in rows], np.int64)
    return ReadingBatch(
        keys=[FLOW] if rows else [],
        series=np.zeros(len(rows), np.int32),
        timestamps=np.datetime64("2026-01-31", "us") + minutes.astype("timedelta64[m]"),
        values=np.array([value for _, value in rows], np.float64),
        lines=np.arange(first_line, first_line + len(rows)),
        rejected=rejected,
    )


def _import(database: Database, *batches: ReadingBatch, source: str = "a.csv", dry_run: bool = False) -> ImportReport:
    store = PostgresReadingStore(database, dry_run=dry_run)
    return import_readings(batches, store=store, source=source, now=NOW, lateness=LATENESS)


def _stored(database: Database, key: SeriesKey = FLOW) -> Readings:
    mapping = TelemetryMapping(
        relation=OWN_RELATION,
        device_column="device_id",
        metric_column="metric_name",
        value_column="value",
        timestamp_column="timestamp",
    )
    return PostgresTelemetry(database, mapping).fetch([Window(key=key, after=None, until=LATER)])[key]


def _kept_aside(database: Database) -> list[tuple[str, int, str, str]]:
    with database.transaction() as cur:
        cur.execute("SELECT source, line, raw, reason FROM ml_health.rejected_reading ORDER BY source, line, raw")
        return cur.fetchall()


def _score_up_to(database: Database, watermark: datetime, scored_from: datetime) -> None:
    with database.transaction() as cur:
        cur.execute(
            """
            WITH known AS (
                INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at)
                VALUES (%s, %s, %s, %s) RETURNING id
            ), model AS (
                INSERT INTO public.ml_models (series_id, device_id, metric_name, version, status)
                SELECT id, %s, %s, 1, 'active' FROM known RETURNING id, series_id
            )
            INSERT INTO ml_health.detector_state (series_id, model_id, scored_from, watermark, updated_at)
            SELECT series_id, id, %s, %s, %s FROM model
            """,
            (FLOW.tenant, FLOW.device, FLOW.metric, START, FLOW.device, FLOW.metric, scored_from, watermark, NOW),
        )


def test_readings_are_stored_and_counted(database: Database) -> None:
    """What was imported is what a model is trained on."""
    report = _import(database, _batch((0, 1.5), (1, -2.0)), _batch((2, 1e-300), first_line=4))

    assert _stored(database).values.tolist() == [1.5, -2.0, 1e-300]
    assert report == ImportReport(accepted=3, duplicates=0, late=0, left_empty=0, rejected_by_reason={}, series=1)


def test_the_same_file_again_changes_nothing(database: Database) -> None:
    """Every row is a duplicate then, and what was kept aside is kept once."""
    bad = RejectedReading(line=9, raw="x", reason=RejectReason.BAD_TIME)
    batch = _batch((0, 1.0), (1, 2.0), (1, 2.0), (1, 3.0), rejected=(bad,))
    first, stored, kept = _import(database, batch), _stored(database), _kept_aside(database)
    second = _import(database, batch)

    assert (first.accepted, first.duplicates) == (2, 0)
    assert (second.accepted, second.duplicates) == (0, 2)
    assert second.rejected_by_reason == first.rejected_by_reason
    assert _stored(database).values.tolist() == stored.values.tolist() == [1.0, 2.0]
    assert _kept_aside(database) == kept
    assert len(kept) == 3


def test_rows_that_stand_twice_are_kept_aside_with_their_reason(database: Database) -> None:
    """The first counts; a repeat is told from a row that says something else of the same instant."""
    report = _import(database, _batch((0, 1.0), (0, 1.0), (0, 2.0)))

    assert report.rejected_by_reason == {RejectReason.REPEATED: 1, RejectReason.CONFLICT: 1}
    assert _kept_aside(database) == [
        ("a.csv", 3, "pump-1,flow,2026-01-31T00:00:00.000000Z,1.0", "the row stands twice"),
        ("a.csv", 4, "pump-1,flow,2026-01-31T00:00:00.000000Z,2.0", "conflicts with a stored value"),
    ]
    assert _stored(database).values.tolist() == [1.0]


def test_a_row_that_conflicts_with_an_earlier_import_is_kept_aside(database: Database) -> None:
    """What is stored stays; detections were made of it."""
    _import(database, _batch((0, 1.0), (1, 1.0)), source="first.csv")
    report = _import(database, _batch((0, 1.0), (1, 5.0), (2, 1.0)), source="second.csv")

    assert (report.accepted, report.duplicates) == (1, 1)
    assert [row[:2] for row in _kept_aside(database)] == [("second.csv", 3)]
    assert _stored(database).values.tolist() == [1.0, 1.0, 1.0]


def test_rows_too_late_to_be_scored_are_stored_and_counted(database: Database) -> None:
    """Late is what lies behind the watermark by more than the lateness window, or before scoring began."""
    _score_up_to(database, watermark=START + timedelta(hours=2), scored_from=START + timedelta(hours=1))
    report = _import(database, _batch((30, 1.0), (105, 1.0), (110, 1.0), (111, 1.0), (150, 1.0)))
    again = _import(database, _batch((30, 1.0)))

    assert (report.accepted, report.late) == (5, 3)
    assert (again.accepted, again.late) == (0, 0)
    assert len(_stored(database)) == 5


def test_readings_before_scoring_began_are_late_whatever_the_window(database: Database) -> None:
    """The first model learned from that time; nothing of it is scored."""
    _score_up_to(database, watermark=START, scored_from=START)

    assert _import(database, _batch((-5, 1.0), (0, 1.0), (5, 1.0))).late == 2


def test_a_dry_run_tells_the_same_and_changes_nothing(database: Database) -> None:
    """Stored rows are known to it."""
    _import(database, _batch((0, 1.0)), source="first.csv")
    batch = _batch((0, 1.0), (0, 2.0), (1, 1.0), (1, 1.0))
    dry = _import(database, batch, dry_run=True)

    assert _kept_aside(database) == []
    assert len(_stored(database)) == 1
    assert dry == _import(database, batch)


def test_raw_rows_of_any_content_are_kept(database: Database) -> None:
    """However long, and whatever characters the file holds."""
    rejected = (
        RejectedReading(line=2, raw="x" * 100_000, reason=RejectReason.MALFORMED),
        RejectedReading(line=3, raw="nul\0 tab\t quote' back\\slash µ", reason=RejectReason.MALFORMED),
    )
    _import(database, _batch(rejected=rejected))
    raws = [row[2] for row in _kept_aside(database)]

    assert raws == ["x" * MAX_RAW_CHARACTERS, "nul\N{REPLACEMENT CHARACTER} tab\t quote' back\\slash µ"]


def test_a_batch_that_fails_leaves_those_before_it(database: Database) -> None:
    """An import that is cut off is done again: what was stored counts as duplicate."""

    def cut_off() -> Iterator[ReadingBatch]:
        yield _batch((0, 1.0))
        raise OSError("the medium was taken out")

    store = PostgresReadingStore(database)
    with pytest.raises(OSError, match="taken out"):
        import_readings(cut_off(), store=store, source="a.csv", now=NOW, lateness=LATENESS)
    report = _import(database, _batch((0, 1.0), (1, 1.0)))

    assert (report.accepted, report.duplicates) == (1, 1)


def test_two_imports_at_once_store_every_row_once(database_url: str) -> None:
    """They wait for each other where they meet; together they store what one would."""
    rows = [(minute, float(minute)) for minute in range(5_000)]

    def work(order: list[Row]) -> int:
        with closing(Database(database_url)) as own:
            batches = [_batch(*order[i : i + 500]) for i in range(0, len(order), 500)]
            return _import(own, *batches).accepted

    with ThreadPoolExecutor(2) as pool:
        accepted = list(pool.map(work, [rows, rows[::-1]]))
    with closing(Database(database_url)) as database:
        stored = _stored(database).values.tolist()

    assert sum(accepted) == len(rows)
    assert stored == [value for _, value in rows]


def test_progress_is_told_batch_by_batch(database: Database) -> None:
    """How far the source has been read."""
    told: list[tuple[str, int, int]] = []
    batches = [ReadingBatch(**{**vars(_batch((i, 1.0))), "done": i + 1, "total": 3}) for i in range(3)]
    import_readings(
        batches,
        store=PostgresReadingStore(database),
        source="a.csv",
        now=NOW,
        lateness=LATENESS,
        progress=lambda *args: told.append(args),
    )

    assert told == [("importing", 1, 3), ("importing", 2, 3), ("importing", 3, 3)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.dictionaries(st.integers(0, 60), st.floats(allow_nan=False, allow_infinity=False), min_size=1),
    repeats=st.lists(st.integers(0, 60)),
    cuts=st.lists(st.integers(0, 100), max_size=3),
    seed=st.integers(0, 2**32),
)
def test_repeats_disorder_and_any_division_give_the_same_readings(
    database: Database, rows: dict[int, float], repeats: list[int], cuts: list[int], seed: int
) -> None:
    """Duplicates, late and out-of-order rows, in whatever batches, give the same readings bit for bit."""
    with database.transaction() as cur:
        cur.execute("TRUNCATE ml_health.telemetry, ml_health.rejected_reading")
    mixed = [*rows.items(), *((minute, rows[minute]) for minute in repeats if minute in rows)]
    random.Random(seed).shuffle(mixed)
    edges = sorted({0, len(mixed), *(cut for cut in cuts if cut < len(mixed))})
    parts = [_batch(*mixed[low:high], first_line=2 + low) for low, high in pairwise(edges)]
    report = _import(database, *parts)
    expected = np.array([rows[minute] for minute in sorted(rows)])
    readings = _stored(database)

    assert readings.values.tobytes() == expected.tobytes()
    assert report.accepted == len(rows)
    assert report.accepted + report.duplicates + report.rejected == len(mixed)


@pytest.fixture
def site(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a site whose command line speaks to a fresh database."""
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    return tmp_path


def _csv(folder: Path, *lines: str) -> str:
    path = folder / "readings.csv"
    path.write_text("\n".join(["time,device,key,value", *lines]) + "\n")
    return str(path)


def test_the_command_imports_a_file(site: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON on stdout for a machine, exit code 1 where rows were kept aside."""
    path = _csv(site, "2026-01-31 00:00,pump-1,flow,1", "2026-01-31 00:01,pump-1,flow,x")
    code = call(["import", path, "--tz", "UTC", "--json"])
    told = json.loads(capsys.readouterr().out)

    assert code == 1
    assert told == {
        "file": "readings.csv",
        "dry_run": False,
        "series": 1,
        "accepted": 1,
        "duplicates": 0,
        "late": 0,
        "left_empty": 0,
        "rejected": 1,
        "rejected_by_reason": {"not_a_number": 1},
    }
    with closing(Database(database_url)) as database:
        assert _stored(database).values.tolist() == [1.0]
        assert [row[2] for row in _kept_aside(database)] == ["2026-01-31 00:01,pump-1,flow,x"]


def test_the_command_tells_people_what_became_of_the_rows(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts by reason on stdout; a dry run says that nothing was changed."""
    path = _csv(site, "2026-01-31T00:00Z,pump-1,flow,1", "2026-01-31T00:01Z,pump-1,flow,NaN")
    call(["import", path, "--dry-run"])
    told = capsys.readouterr()

    assert "nothing was changed" in told.err
    assert "kept aside: the value is NaN" in told.out
    assert call(["import", path]) == 1
    assert call(["import", path]) == 1
    assert "stored before" in capsys.readouterr().out


def test_the_command_takes_what_the_file_does_not_say(site: Path, database_url: str) -> None:
    """Device, metric, zone, columns, form of times, decimal mark and tenant."""
    path = site / "export.csv"
    path.write_text("Zeit;Wert\n31.01.2026 01:00;1,5\n")
    tenant = "11111111-2222-3333-4444-555555555555"
    told = {
        "--device": "pump-1",
        "--metric": "flow",
        "--tz": "Europe/Berlin",
        "--column": "value=Wert",
        "--time-format": "%d.%m.%Y %H:%M",
        "--decimal": ",",
        "--tenant": tenant,
    }
    code = call(["import", str(path), *(word for option in told.items() for word in option)])

    assert code == 0
    with closing(Database(database_url)) as database:
        readings = _stored(database, SeriesKey(device="pump-1", metric="flow", tenant=UUID(tenant)))
        assert readings.values.tolist() == [1.5]
        assert readings.timestamps.tolist() == [START.replace(tzinfo=None)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--tz UTC or --tz Europe/Berlin"),
        (["--tz", "Mars/Olympus"], "'Mars/Olympus' is no time zone"),
        (["--tz", "../../etc/passwd"], "is no time zone"),
        (["--column", "when=time"], "is not ROLE=NAME"),
        (["--column", "device=whom"], "there is no such column"),
    ],
)
def test_the_command_refuses_what_it_cannot_read(
    site: Path, database_url: str, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    """Wrong usage is told with what to do, and nothing is stored."""
    code = call(["import", _csv(site, "2026-01-31 00:00,pump-1,flow,1"), *arguments])

    assert code == 64
    assert told in " ".join(capsys.readouterr().err.split())
    with closing(Database(database_url)) as database:
        assert len(_stored(database)) == 0


def test_a_file_without_a_usable_row_is_a_failure(site: Path) -> None:
    """Such as one with the wrong decimal mark."""
    assert call(["import", _csv(site, '2026-01-31T00:00Z,pump-1,flow,"1,5"')]) == 2


def test_an_import_that_nothing_would_read_is_refused(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the site's readings are its own relation's, our table is not looked at."""
    monkeypatch.setenv("ML_HEALTH_TELEMETRY__RELATION", "public.telemetry")
    code = call(["import", _csv(site, "2026-01-31T00:00Z,pump-1,flow,1")])

    assert code == 64
    assert "telemetry.relation" in capsys.readouterr().err


def test_a_file_is_imported_as_the_writer(database_url: str, site: Path) -> None:
    """The role that runs the tasks has every right that an import needs."""
    path = _csv(site, "2026-01-31T00:00Z,pump-1,flow,1", "2026-01-31T00:00Z,pump-1,flow,2")
    with closing(Database(make_dsn(database_url, options="-c role=ml_health_writer"))) as database:
        report = import_readings(
            read_readings(Path(path), FileOptions()),
            store=PostgresReadingStore(database),
            source="a.csv",
            now=NOW,
            lateness=LATENESS,
        )

    assert (report.accepted, report.rejected) == (1, 1)
