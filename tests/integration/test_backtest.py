"""A backtest on real PostgreSQL: what other settings change, that the site stays as it is, and no look ahead."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.scoring.quiet_time import QuietKind, QuietTime, Skip
from ml_core.entrypoints.backtest.platforms import ReadOnlySite
from ml_core.entrypoints.backtest.recording import Choice
from ml_core.entrypoints.backtest.workshop import open_workshop
from ml_core.entrypoints.backtest_command import run_backtest
from ml_core.entrypoints.cli import call
from ml_core.errors import ConflictError
from ml_core.settings import DatabaseSettings, Settings
from tests.integration.trained_site import discover, healthy, write_readings

BEGIN = datetime(2025, 3, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=8)
HISTORY = timedelta(days=7)
SPIKES = {"PUMP-1": 4.0, "PUMP-2": 6.0, "PUMP-3": 15.0}
"""Height of what is planted about once a day, in steps of the series' own noise."""
TEN_MINUTES = timedelta(minutes=10)
CHANGES = ("detector.false_alarm_budget=1 per 50 readings", "gate.min_rank_agreement=1.0")


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site with readings and a registry of its own, and the JSON of one backtest of it."""

    settings: Settings
    before: dict[str, tuple[int, str]]
    after: dict[str, tuple[int, str]]
    document: dict[str, Any]
    picture: bytes

    def total(self, what: str) -> tuple[int, int]:
        """A figure under today's settings and under the others."""
        rows = {row["what"]: (row["today"], row["changed"]) for row in self.document["totals"]}
        return rows.get(what, (0, 0))


def fill(database: Database) -> None:
    """Three pumps, each with a spike a day of its own height."""
    count = int((END - BEGIN + HISTORY) / TEN_MINUTES)
    for number, (device, height) in enumerate(SPIKES.items()):
        values = healthy(count, seed=number + 1)
        values[1050::137] += height
        write_readings(database, device, values, until=END)


def hash_tables(database: Database) -> dict[str, tuple[int, str]]:
    """Row count and hash of the rows of every table, ours and the platform's."""
    found = {}
    with database.transaction() as cur:
        cur.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('ml_health', 'public', 'grafana')"
        )
        for name in cur.fetchall():
            statement = "SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} AS t"
            cur.execute(sql.SQL(statement).format(sql.Identifier(*name)))
            found[".".join(name)] = cur.fetchone()
    return found


@pytest.fixture(scope="module")
def site_url(create_database: Callable[[str, str], str], template_database: str, database_names: Iterator[str]) -> str:
    """One database for all that only read it."""
    return create_database(f"{next(database_names)}_backtest", template_database)


@pytest.fixture(scope="module")
def site(site_url: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The command played once, on a site that has models, runs and events already."""
    home = tmp_path_factory.mktemp("site")
    settings = Settings(home=home, database=DatabaseSettings(url=site_url))
    arguments = ["backtest", "--from", BEGIN.isoformat(), "--to", END.isoformat(), "--json"]
    with closing(Database(site_url)) as database, pytest.MonkeyPatch.context() as environment:
        fill(database)
        with closing(Platform(settings)) as platform:
            discover(platform, now=END)
        environment.setenv("ML_HEALTH_HOME", str(home))
        environment.setenv("ML_HEALTH_DATABASE_URL", site_url)
        before, files = hash_tables(database), set(home.rglob("*"))
        picture = home.parent / f"{home.name}.png"
        with redirect_stdout(StringIO()) as printed:
            code = call(
                [*arguments, "--plot", str(picture), *(word for change in CHANGES for word in ("--set", change))]
            )
        assert code == 0
        assert set(home.rglob("*")) - files == {home / "backtest.lock"}
        return Site(
            settings=settings,
            before=before,
            after=hash_tables(database),
            document=json.loads(printed.getvalue()),
            picture=picture.read_bytes(),
        )


def test_nothing_of_the_site_is_changed(site: Site) -> None:
    """Row counts and hashes of all tables are what they were; models and runs of the site are among them."""
    assert site.before["public.ml_models"][0] == len(SPIKES)
    assert site.before["ml_health.run"][0] == 1
    assert site.after == site.before


def test_the_site_refuses_to_be_written(site: Site) -> None:
    """Not by care alone: the server ends whatever would change a row."""
    with closing(ReadOnlySite(site.settings)) as read_only, pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        discover(read_only, now=END)


def test_a_larger_false_alarm_budget_gives_more_episodes(site: Site) -> None:
    """On the same readings: more is flagged, and people are told more often."""
    today, changed = site.total("episodes opened")

    assert 0 < today < changed
    assert site.total("readings scored")[0] == site.total("readings scored")[1] == 8 * 144 * len(SPIKES)
    assert site.total("alerts at an opening")[0] < site.total("alerts at an opening")[1]


def test_a_stricter_gate_refuses_more_and_says_why(site: Site) -> None:
    """Nobody agrees with the champion in every rank: that rule refuses, and the reason is told with the series."""
    refused_today, refused = site.total("models refused")
    today, changed = (replay["refusals"] for replay in site.document["replays"])

    assert refused_today < refused
    assert site.total("refused by G5 rank agreement")[0] == 0 < site.total("refused by G5 rank agreement")[1]
    assert (len(today), len(changed)) == (refused_today, refused)
    assert any("G5 rank agreement: the scores' rank correlation" in refusal["reason"] for refusal in changed)
    assert {refusal["series"] for refusal in changed} <= {f"{device}:flow" for device in SPIKES}
    assert site.total("retrains promoted")[0] > site.total("retrains promoted")[1] == 0


def test_the_days_add_up_to_the_totals(site: Site) -> None:
    """Every figure of every day, for both settings."""
    totals = {row["what"]: (row["today"], row["changed"]) for row in site.document["totals"]}
    added = dict.fromkeys(totals, (0, 0))
    for day in site.document["days"]:
        for row in day["counts"]:
            today, changed = added[row["what"]]
            added[row["what"]] = (today + row["today"], changed + row["changed"])

    assert added == totals
    assert len(site.document["days"]) == 9


def test_what_was_replayed_is_said(site: Site) -> None:
    """The series, how many there are, the settings, and that no run failed."""
    assert site.document["series"]["replayed"] == [f"{device}:flow" for device in SPIKES]
    assert site.document["series"]["found"] == len(SPIKES)
    assert site.document["set"] == list(CHANGES)
    assert [replay["problems"] for replay in site.document["replays"]] == [[], []]
    assert [replay["modelled_series"] for replay in site.document["replays"]] == [3, 3]
    assert site.picture.startswith(b"\x89PNG")


def count_days(settings: Settings, choice: Choice) -> dict[str, list[tuple[str, str, int]]]:
    """What each day brought under today's settings, over half of the time."""
    backtest = run_backtest(
        settings,
        None,
        changes=(),
        choice=choice,
        begin=BEGIN,
        end=BEGIN + timedelta(days=4),
        progress=lambda what, done, total: None,
        should_stop=lambda: False,
    )
    found: dict[str, list[tuple[str, str, int]]] = {}
    for count in backtest.today.counts:
        found.setdefault(count.day.isoformat(), []).append((count.measure.value, count.detail, count.count))
    return found


def test_what_comes_later_changes_nothing_of_earlier_days(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """The same site without the readings after the second day: its first two days are the same, figure by figure."""
    settings = Settings(home=tmp_path, database=DatabaseSettings(url=database_url))
    fill(database)
    choice = Choice(named=(), size=2, seed=0)
    cut = BEGIN + timedelta(days=2)

    whole = count_days(settings, choice)
    with database.transaction() as cur:
        cur.execute("DELETE FROM ml_health.telemetry WHERE timestamp > %s", (cut,))
    shortened = count_days(settings, choice)

    early = [day for day in whole if day < cut.date().isoformat()]
    assert len(early) == 2
    assert [shortened[day] for day in early] == [whole[day] for day in early]
    assert shortened != whole


def test_maintenance_counts_from_when_it_was_entered(database: Database, database_url: str, tmp_path: Path) -> None:
    """Alerts of a time that people had set aside are spared, as they were; what was entered afterwards spares none."""
    settings = Settings(home=tmp_path, database=DatabaseSettings(url=database_url))
    fill(database)
    entry = QuietTime(
        kind=QuietKind.MAINTENANCE,
        pattern="PUMP-3:*",
        begins_at=BEGIN,
        ends_at=END,
        skips=frozenset({Skip.ALERTS}),
        created_by="ann",
        created_at=END + timedelta(days=1),
    )

    def count_alerts() -> tuple[int, int]:
        days = count_days(settings, Choice(named=("PUMP-3:flow",), size=None, seed=0)).values()
        told = Counter({"alerts at an opening": 0, "alerts spared": 0})
        for measure, _, number in (count for counts in days for count in counts):
            told[measure] += number
        return told["alerts at an opening"], told["alerts spared"]

    with closing(Platform(settings)) as platform:
        platform.calendar.add(entry)
        heard = count_alerts()
        platform.calendar.add(replace(entry, created_at=BEGIN - timedelta(days=1)))
        spared = count_alerts()

    assert heard[0] > 0
    assert heard[1] == 0
    assert spared == (0, heard[0])


def test_a_killed_backtest_leaves_nothing_running(tmp_path: Path) -> None:
    """The next one stops the server that was left behind and removes its files; two at a time are refused."""
    left = EmbeddedPostgres(tmp_path / "backtest" / "today", durable=False)
    left.start()
    with open_workshop(tmp_path) as folder:
        assert list(folder.iterdir()) == []
        with pytest.raises(ConflictError, match="another backtest runs"), open_workshop(tmp_path):
            pass

    assert not left.status().running
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [("plot.txt", "ends in .png"), ("file/plot.png", "its folder cannot be made")],
)
def test_a_picture_that_can_be_drawn_nowhere_is_refused_before_anything_is_replayed(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage, at once: the site is not even asked."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    (tmp_path / "file").write_text("no folder")

    span = ["--from", "2025-03-01T00:00Z", "--to", "2025-03-02T00:00Z"]
    assert call(["backtest", *span, "--plot", str(tmp_path / name)]) == 64
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_series_that_is_not_there_is_named(
    site_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage, before anything is replayed; so is a time of which there are no readings."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", site_url)
    words = []
    for more in (["--from", "2025-03-01T00:00Z", "--series", "PUMP-9:flow"], ["--from", "2025-12-01T00:00Z"]):
        assert call(["backtest", "--to", "2025-12-02T00:00Z", *more]) == 64
        words.append(" ".join(capsys.readouterr().err.split()))

    assert "no series 'PUMP-9:flow' is known" in words[0]
    assert "has no readings of that time" in words[1]
