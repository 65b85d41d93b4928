"""What joins a device's episode, and what people are told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.devices.device_episode import DeviceEpisode, Member, StoredDevice, join_episodes, tell_together
from ml_core.domain.devices.device_evidence import DeviceEvidence, Judgement, Reason
from ml_core.domain.scoring.episode import Episode
from ml_core.domain.series import SeriesKey

START = datetime(2025, 3, 1, tzinfo=UTC)
WITHIN = timedelta(minutes=15)
EVERY = timedelta(hours=4)


def at(minutes: float) -> datetime:
    """A moment after START."""
    return START + timedelta(minutes=minutes)


def member(
    metric: str, first: float, last: float | None = None, *, device: str = "PUMP-1", tenant: int = 0, alarms: int = 1
) -> Member:
    """An episode from one minute to another, or still open; its last alarm is half way."""
    seen = first if last is None else (first + last) / 2
    return Member(
        series_id=1,
        key=SeriesKey(device=device, metric=metric, tenant=UUID(int=tenant)),
        episode=Episode(
            opened_at=at(first),
            last_alarm_at=at(seen),
            alarms=alarms,
            peak_score=-1,
            peak_value=9,
            peak_at=at(first),
            closed_at=None if last is None else at(last),
            by_device=True,
        ),
    )


def stored(device: DeviceEpisode) -> DeviceEpisode:
    """As it is loaded by the next run."""
    kept = StoredDevice(
        device_episode_id=1,
        metrics=device.metrics,
        last_alarm_at=device.last_alarm_at,
        closed_at=device.closed_at,
        alarms=device.alarms,
        judgement=device.judgement,
        words=device.words,
        is_settled=device.is_settled,
    )
    return replace(device, stored=kept, evidence=None, alerts=())


def tell(device: DeviceEpisode, *, spared: frozenset[str] = frozenset()) -> DeviceEpisode:
    """With nobody spared but those metrics."""
    return tell_together(device, lambda key, at: "snooze" if key.metric in spared else None, update_every=EVERY)


def kinds(device: DeviceEpisode) -> list[tuple[str, bool]]:
    """What was told now, and whether anybody heard it."""
    return [(alert.kind.value, alert.skipped_reason is None) for alert in device.alerts]


def groups(*members: Member) -> list[tuple[str, ...]]:
    """Metrics of each device's episode that these make."""
    return [device.metrics for device in join_episodes([], members, within=WITHIN)]


def test_what_overlaps_on_one_device_is_one() -> None:
    """Or lies a quarter of an hour after its end; another device, another tenant, another hour are not."""
    assert groups(member("a", 0), member("b", 100, 110)) == [("a", "b")]
    assert groups(member("a", 0, 20), member("b", 35, 50)) == [("a", "b")]
    assert groups(member("a", 0, 20), member("b", 36, 50)) == [("a",), ("b",)]
    assert groups(member("a", 0), member("a", 0, device="PUMP-2"), member("a", 0, tenant=1)) == [("a",)] * 3
    assert groups(member("b", 5), member("a", 0, 6), member("a", 8)) == [("a", "b")]


def test_what_comes_late_joins_what_was_closed() -> None:
    """A metric that reads seldom is told with the others, whose episode is over already."""
    (known,) = join_episodes([], [member("a", 0, 20)], within=WITHIN)
    (joined,) = join_episodes([stored(known)], [member("b", 10, 30)], within=WITHIN)

    assert joined.metrics == ("a", "b")
    assert (joined.closed_at, joined.stored.closed_at) == (at(30), at(20))
    assert joined.is_changed
    assert joined.wants_judgement(at(40))


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 500), st.none() | st.integers(1, 60)),
        min_size=1,
        max_size=12,
        unique_by=lambda it: it[:2],
    ),
    st.randoms(use_true_random=False),
)
def test_every_episode_has_one_place_and_a_device_at_most_one_open(
    drawn: list[tuple[str, int, int | None]], random: object
) -> None:
    """Whatever comes in whatever order."""
    members = [member(metric, first, None if length is None else first + length) for metric, first, length in drawn]
    shuffled = list(members)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = join_episodes([], members, within=WITHIN)

    assert sorted(it.order for device in found for it in device.members) == sorted(it.order for it in members)
    assert sum(device.closed_at is None for device in found) <= 1
    assert {device.members for device in join_episodes([], shuffled, within=WITHIN)} == {it.members for it in found}


def test_one_alert_at_the_opening_one_where_a_metric_joins_one_at_the_end() -> None:
    """Three metrics, of which two are there from the beginning; what goes on in silence is told once in four hours."""
    first = tell(*join_episodes([], [member("a", 0), member("b", 1)], within=WITHIN))
    assert kinds(first) == [("opened", True)]
    assert first.alerts[0].episode.alarms == 2

    (same,) = join_episodes([stored(first)], [member("a", 30, 40)], within=WITHIN)
    assert kinds(tell(same)) == []
    (joined,) = join_episodes([stored(tell(same))], [member("c", 50)], within=WITHIN)
    assert kinds(tell(joined)) == [("updated", True)]
    assert kinds(tell(stored(tell(joined)))) == []

    closed = replace(
        stored(tell(joined)),
        members=tuple(replace(it, episode=replace(it.episode, closed_at=at(90))) for it in tell(joined).members),
    )
    assert kinds(tell(closed)) == [("closed", True)]
    assert kinds(tell(stored(tell(closed)))) == []


def test_what_goes_on_after_its_end_is_told_again() -> None:
    """A metric of it alarms ten minutes after the end: it was not over."""
    over = stored(tell(*join_episodes([], [member("a", 0, 20)], within=WITHIN)))
    (again,) = join_episodes([over], [member("a", 30)], within=WITHIN)

    assert kinds(tell(again)) == [("updated", True)]


def test_a_judgement_that_turns_out_otherwise_is_told_once() -> None:
    """At the opening nobody knew; when all is known it is the sensor."""
    (opened,) = join_episodes([], [member("a", 0)], within=WITHIN)
    unknown = DeviceEvidence(judgement=Judgement.UNKNOWN, reason=Reason.TOO_SMALL, lead="a")
    told = stored(tell(replace(opened, evidence=unknown)))
    assert told.wants_judgement(at(60))
    assert not told.wants_judgement(at(60 * 25))

    certain = DeviceEvidence(judgement=Judgement.SENSOR, reason=Reason.LEFT_RELATION, lead="a", is_settled=True)
    found = tell(replace(told, evidence=certain))
    assert kinds(found) == [("updated", True)]
    assert found.to_news()["suspect"] == "a"
    assert not stored(found).wants_judgement(at(60))
    assert kinds(tell(stored(found))) == []


def test_a_snooze_of_one_metric_does_not_silence_the_others() -> None:
    """Nobody is told only where every metric of it is spared; then the next one that joins is told as an opening."""
    both = join_episodes([], [member("a", 0), member("b", 1)], within=WITHIN)[0]
    assert kinds(tell(both, spared=frozenset("a"))) == [("opened", True)]
    silent = tell(both, spared=frozenset("ab"))
    assert kinds(silent) == [("opened", False)]

    (joined,) = join_episodes([stored(silent)], [member("c", 30)], within=WITHIN)
    assert kinds(tell(joined, spared=frozenset("ab"))) == [("opened", True)]
