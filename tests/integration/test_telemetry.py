from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from ml_core.adapters.postgres.database import Database, copy_rows
from ml_core.adapters.readings.telemetry import PostgresTelemetry, TelemetryMapping
from ml_core.domain.series import FIXED_TENANT, Readings, SeriesKey
from ml_core.errors import ConfigurationError
from ml_core.ports.telemetry import Window

START = datetime(2026, 1, 31, tzinfo=UTC)
LATER = START + timedelta(days=365)
TENANT = UUID("11111111-2222-3333-4444-555555555555")
FLOW = SeriesKey(device="pump-1", metric="flow")
HEAT = SeriesKey(device="pump-1", metric="temperature")
OWN = TelemetryMapping(
    relation="ml_health.telemetry",
    device_column="device_id",
    metric_column="metric_name",
    value_column="value",
    timestamp_column="timestamp",
)
ODD = TelemetryMapping(
    relation='"site ""A""; data"."Readings.dotted; 100%"',
    device_column="Device; --",
    metric_column='"Key"',
    value_column="val%ue",
    timestamp_column="{at}",
    tenant_column="select",
)


def _minute(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def _store(database: Database, key: SeriesKey, rows: list[tuple[datetime, float]]) -> None:
    columns = ["tenant_id", "device_id", "metric_name", "timestamp", "value"]
    with database.transaction() as cur:
        lines = ((key.tenant, key.device, key.metric, at, value) for at, value in rows)
        copy_rows(cur, sql.Identifier("ml_health", "telemetry"), columns, lines)


def _map(database: Database, *, value: str = "double precision", time: str = "timestamptz") -> PostgresTelemetry:
    """A telemetry relation of the site's own, without tenants, with columns of these types."""
    with database.transaction() as cur:
        cur.execute(f"CREATE TABLE public.telemetry (device text, key text, value {value}, ts {time})")
    return PostgresTelemetry(
        database,
        TelemetryMapping(
            relation="public.telemetry",
            device_column="device",
            metric_column="key",
            value_column="value",
            timestamp_column="ts",
        ),
    )


def _insert(database: Database, *rows: tuple[object, ...]) -> None:
    with database.transaction() as cur:
        for row in rows:
            cur.execute("INSERT INTO public.telemetry VALUES (%s, %s, %s, %s)", row)


def _all(telemetry: PostgresTelemetry, key: SeriesKey) -> Readings:
    return telemetry.fetch([Window(key=key, after=None, until=LATER)])[key]


def test_a_window_is_open_before_and_closed_after(database: Database) -> None:
    """The reading at `after` was seen before; the one at `until` is seen now."""
    _store(database, FLOW, [(_minute(i), float(i)) for i in range(5)])
    window = Window(key=FLOW, after=_minute(1), until=_minute(3))
    readings = PostgresTelemetry(database, OWN).fetch([window])[FLOW]

    assert readings.values.tolist() == [2.0, 3.0]
    assert readings.timestamps.tolist() == [_minute(i).replace(tzinfo=None) for i in (2, 3)]


def test_every_asked_series_is_answered_by_its_own_window(database: Database) -> None:
    """Many windows in one call; a series without readings is answered with none."""
    _store(database, FLOW, [(_minute(i), float(i)) for i in range(5)])
    _store(database, HEAT, [(_minute(i), 20.0 + i) for i in range(5)])
    empty = SeriesKey(device="pump-2", metric="flow")
    found = PostgresTelemetry(database, OWN).fetch(
        [
            Window(key=HEAT, after=_minute(3), until=LATER),
            Window(key=empty, after=None, until=LATER),
            Window(key=FLOW, after=None, until=_minute(0)),
        ]
    )

    assert {key: readings.values.tolist() for key, readings in found.items()} == {
        HEAT: [24.0],
        empty: [],
        FLOW: [0.0],
    }
    assert PostgresTelemetry(database, OWN).fetch([]) == {}


def test_our_own_table_keeps_tenants_apart(database: Database) -> None:
    """The same device and metric of two tenants are two series, without any setting."""
    theirs = SeriesKey(device="pump-1", metric="flow", tenant=TENANT)
    _store(database, FLOW, [(_minute(0), 1.0)])
    _store(database, theirs, [(_minute(0), 2.0)])
    telemetry = PostgresTelemetry(database, OWN)

    assert _all(telemetry, FLOW).values.tolist() == [1.0]
    assert _all(telemetry, theirs).values.tolist() == [2.0]
    assert [extent.key for extent in telemetry.list_extents(until=LATER)] == [FLOW, theirs]


def test_extents_tell_first_newest_and_count_up_to_the_moment(database: Database) -> None:
    """What comes after the moment is not seen."""
    _store(database, FLOW, [(_minute(i), float(i)) for i in range(5)])
    _store(database, HEAT, [(_minute(9), 1.0)])
    (extent,) = PostgresTelemetry(database, OWN).list_extents(until=_minute(3))

    assert (extent.key, extent.first_at, extent.newest_at, extent.readings) == (
        FLOW,
        _minute(0),
        _minute(3),
        4,
    )


def test_a_relation_of_odd_names_with_tenants_is_read(database: Database) -> None:
    """Quotes, semicolons, keywords, per cent signs and braces in names; naive times are UTC."""
    columns = [*ODD.names.values()]
    types = ["varchar(255)", "varchar(255)", "numeric(10, 2)", "timestamp", "uuid"]
    declared = sql.SQL(", ").join(
        sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind in zip(columns, types, strict=True)
    )
    with database.transaction() as cur:
        cur.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(ODD.identifier.strings[0])))
        cur.execute(sql.SQL("CREATE TABLE {} ({})").format(ODD.identifier, declared))
        rows = [
            ("pump-1", "flow", 1.25, START, TENANT),
            ("pump-1", "flow", 2.5, _minute(1), FIXED_TENANT),
        ]
        copy_rows(cur, ODD.identifier, columns, rows)
    key = SeriesKey(device="pump-1", metric="flow", tenant=TENANT)
    telemetry = PostgresTelemetry(database, ODD)
    readings = _all(telemetry, key)
    extents = {extent.key: extent.first_at for extent in telemetry.list_extents(until=LATER)}

    assert readings.values.tolist() == [1.25]
    assert readings.timestamps.tolist() == [START.replace(tzinfo=None)]
    assert extents == {key: START, FLOW: _minute(1)}


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("smallint", 7, 7.0),
        ("bigint", 2**40, float(2**40)),
        ("real", 0.5, 0.5),
        ("numeric", "0.1", 0.1),
        ("boolean", True, 1.0),
        ("text", " -1.5e-3 ", -0.0015),
    ],
)
def test_every_numeric_type_is_read(database: Database, kind: str, given: object, expected: float) -> None:
    """Values come as double precision whatever the site stores."""
    telemetry = _map(database, value=kind)
    _insert(database, ("pump-1", "flow", given, START))

    assert _all(telemetry, FLOW).values.tolist() == [expected]


@pytest.mark.parametrize(
    ("kind", "unusable"),
    [
        ("double precision", [None, "NaN", "Infinity", "-Infinity"]),
        ("numeric", [None, "NaN", "1e400", "-1e400"]),
        ("text", [None, "", "NaN", "n/a", "1e999", "1,5", "0x10", "9" * 60]),
    ],
)
def test_what_is_no_finite_number_is_dropped_and_counted(
    database: Database, kind: str, unusable: list[str | None]
) -> None:
    """One bad row never ends the reading of the others."""
    telemetry = _map(database, value=kind)
    _insert(database, ("pump-1", "flow", "1", START))
    _insert(database, *(("pump-1", "flow", value, _minute(1 + i)) for i, value in enumerate(unusable)))
    readings = _all(telemetry, FLOW)
    survey = telemetry.survey(until=LATER)

    assert (readings.values.tolist(), readings.dropped) == ([1.0], len(unusable))
    assert (survey.extents[0].readings, survey.unusable_rows) == (1, len(unusable))


def test_a_number_too_small_for_double_precision_is_zero(database: Database) -> None:
    """PostgreSQL's own cast would end the query."""
    telemetry = _map(database, value="numeric")
    _insert(database, ("pump-1", "flow", "1e-400", START))

    assert _all(telemetry, FLOW).values.tolist() == [0.0]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("timestamp", "2026-01-31 00:00:00"),
        ("timestamptz", "2026-01-31 03:00:00+03"),
        ("date", date(2026, 1, 31)),
    ],
)
def test_times_without_a_zone_are_utc(database: Database, kind: str, given: object) -> None:
    """Aware ones keep their instant, a date is its midnight."""
    telemetry = _map(database, time=kind)
    _insert(database, ("pump-1", "flow", 1.0, given))
    before = Window(key=FLOW, after=START, until=LATER)

    assert _all(telemetry, FLOW).timestamps.tolist() == [START.replace(tzinfo=None)]
    assert len(telemetry.fetch([before])[FLOW]) == 0
    assert telemetry.list_extents(until=START)[0].newest_at == START


@pytest.mark.parametrize("at", [None, "infinity", "-infinity", "0044-03-15 12:00:00 BC"])
def test_a_time_that_is_none_belongs_to_no_window(database: Database, at: str | None) -> None:
    """Rows without a time that a calendar can hold are never read."""
    telemetry = _map(database, time="timestamp")
    _insert(database, ("pump-1", "flow", 1.0, at), ("pump-1", "flow", 2.0, START))

    assert _all(telemetry, FLOW).values.tolist() == [2.0]
    assert telemetry.list_extents(until=LATER)[0].first_at == START


def test_series_with_names_that_break_the_rule_are_left_out_and_told(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """They are counted, and the others are read."""
    telemetry = _map(database)
    bad_names = ['a"b', "a\\b", "a/../b", "bell\a", "", "x" * 256, None]
    _insert(database, *((name, "flow", 1.0, _minute(i)) for name in bad_names for i in range(2)))
    _insert(database, ("pump-1", "flow", 1.0, START))
    survey = telemetry.survey(until=LATER)

    assert [extent.key for extent in telemetry.list_extents(until=LATER)] == [FLOW]
    assert (survey.refused_names, survey.refused_rows) == (len(bad_names), 2 * len(bad_names))
    assert "7 series (14 rows) are left out" in caplog.text


@pytest.mark.parametrize(
    ("kind", "name"), [("uuid", str(TENANT)), ("integer", "17"), ("char(8)", "pump-1"), ("text", "pump/1.a")]
)
def test_device_columns_of_other_types_are_matched(database: Database, kind: str, name: str) -> None:
    """Ids that are UUIDs or numbers are named by their text; a name of another form matches nothing."""
    with database.transaction() as cur:
        cur.execute(f"CREATE TABLE public.telemetry (device {kind}, key text, value real, ts timestamptz)")
    telemetry = PostgresTelemetry(
        database,
        TelemetryMapping(
            relation="public.telemetry",
            device_column="device",
            metric_column="key",
            value_column="value",
            timestamp_column="ts",
        ),
    )
    _insert(database, (name, "flow", 1.0, START))
    (extent,) = telemetry.list_extents(until=LATER)
    stranger = SeriesKey(device="not of that type", metric="flow")

    assert extent.key.device == name
    assert _all(telemetry, extent.key).values.tolist() == [1.0]
    assert len(_all(telemetry, stranger)) == 0


def test_a_view_is_read_like_a_table(database: Database) -> None:
    """Whatever a mapping cannot say, a view can."""
    with database.transaction() as cur:
        cur.execute(
            "CREATE VIEW public.telemetry AS SELECT 'pump-1' AS device, 'flow' AS key, 1 AS value,"
            " timestamptz '2026-01-31Z' AS ts"
        )
    telemetry = PostgresTelemetry(
        database,
        TelemetryMapping(
            relation="telemetry",
            device_column="device",
            metric_column="key",
            value_column="value",
            timestamp_column="ts",
        ),
    )

    assert _all(telemetry, FLOW).values.tolist() == [1.0]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"relation": "public.nowhere"}, "telemetry.relation names 'public.nowhere'"),
        ({"relation": "a.b.c"}, "telemetry.relation 'a.b.c' is not of the form"),
        ({"relation": ""}, "telemetry.relation '' is not of the form"),
        ({"value_column": "val"}, "telemetry.value_column names 'val'.*it has: tenant_id, device_id"),
        ({"timestamp_column": "at"}, "telemetry.timestamp_column names 'at'"),
        ({"tenant_column": "org"}, "telemetry.tenant_column names 'org'"),
        ({"timestamp_column": "value"}, "telemetry.timestamp_column is of type double precision"),
        ({"value_column": "tenant_id"}, "telemetry.value_column is of type uuid"),
        ({"tenant_column": "value"}, "telemetry.tenant_column is of type double precision"),
    ],
)
def test_a_wrong_mapping_is_refused_by_the_name_of_its_setting(
    database: Database, changed: dict[str, str], told: str
) -> None:
    """The message says which setting is wrong and what there is instead."""
    given = {
        "relation": OWN.relation,
        "device_column": "device_id",
        "metric_column": "metric_name",
        "value_column": "value",
        "timestamp_column": "timestamp",
        "tenant_column": "tenant_id",
    }
    telemetry = PostgresTelemetry(database, TelemetryMapping(**{**given, **changed}))

    with pytest.raises(ConfigurationError, match=told):
        telemetry.list_extents(until=LATER)
    with pytest.raises(ConfigurationError, match=told):
        _all(telemetry, FLOW)


def test_a_relation_without_the_right_to_read_is_told(database: Database) -> None:
    """The message says what to grant."""
    telemetry = _map(database)
    with database.transaction() as cur:
        cur.execute("SET LOCAL ROLE ml_health_reader")
        cur.execute("SELECT current_user")
    with database.transaction() as cur:
        cur.execute("CREATE VIEW public.barred AS SELECT * FROM public.telemetry")
        cur.execute("ALTER VIEW public.barred OWNER TO ml_health_reader")
    barred = PostgresTelemetry(
        database,
        TelemetryMapping(
            relation="public.barred",
            device_column="device",
            metric_column="key",
            value_column="value",
            timestamp_column="ts",
        ),
    )

    assert telemetry.list_extents(until=LATER) == []
    with pytest.raises(ConfigurationError, match="GRANT SELECT"):
        barred.list_extents(until=LATER)


def test_a_relation_that_changes_meanwhile_is_told(database: Database) -> None:
    """A column renamed under a running program names the setting, not a driver's error."""
    telemetry = _map(database)
    telemetry.list_extents(until=LATER)
    with database.transaction() as cur:
        cur.execute("ALTER TABLE public.telemetry RENAME value TO reading")

    with pytest.raises(ConfigurationError, match="telemetry' cannot be read"):
        _all(telemetry, FLOW)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    seed=st.integers(0, 2**32),
)
def test_repeats_and_disorder_give_the_same_readings(empty_database: Database, values: list[float], seed: int) -> None:
    """Rows that come twice, late or out of order give the same readings bit for bit."""
    with empty_database.transaction() as cur:
        cur.execute("DROP TABLE IF EXISTS public.telemetry")
    telemetry = _map(empty_database)
    rows = [("pump-1", "flow", value, _minute(i)) for i, value in enumerate(values)]
    shuffled = rows + rows[::2]
    random.Random(seed).shuffle(shuffled)
    with empty_database.transaction() as cur:
        copy_rows(cur, sql.Identifier("telemetry"), ["device", "key", "value", "ts"], shuffled)
    readings = _all(telemetry, FLOW)

    assert readings.values.tobytes() == np.array(values).tobytes()
    assert readings.timestamps.tolist() == [_minute(i).replace(tzinfo=None) for i in range(len(values))]
    assert readings.dropped == len(rows[::2])
