"""After scoring: join what overlaps on one device, judge machine or sensor, and say it once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ml_core.domain.devices.device_episode import DeviceEpisode, DeviceKey, join_episodes, tell_together
from ml_core.domain.devices.device_evidence import Judgement
from ml_core.domain.devices.device_judgement import judge_device
from ml_core.domain.devices.metric_grid import look_around
from ml_core.domain.policies import AlertPolicy, DevicePolicy
from ml_core.domain.scoring.quiet_time import QuietTime, find_spared
from ml_core.domain.series import Readings, SeriesKey
from ml_core.errors import DatabaseUnavailableError
from ml_core.ports.device_log import DeviceLog, ScoredMetric
from ml_core.ports.quiet_calendar import QuietCalendar
from ml_core.ports.telemetry import TelemetrySource, Window
from ml_core.services.runs import RunRecorder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DeviceWatch:
    """One pass over the devices with open or new episodes.

    It works from what scoring has stored, so that whatever stops it, the next pass goes on from there; what cannot
    be judged is told all the same.
    """

    log: DeviceLog
    telemetry: TelemetrySource
    calendar: QuietCalendar
    policy: DevicePolicy
    alerts: AlertPolicy
    series_per_batch: int
    now: datetime

    def follow(self, run: RunRecorder) -> Counter[str]:
        """Follow them batch by batch; how many opened, and how those that were judged now were judged."""
        done: Counter[str] = Counter()
        within = timedelta(seconds=self.policy.join_within_s)
        standing = self.log.load(within=within)
        joined = join_episodes(standing.known, standing.unjoined, within=within)
        pending = [device for device in joined if device.is_changed or device.wants_judgement(self.now)]
        if not pending:
            return done
        quiet = self.calendar.list_times(after=min(device.opened_at for device in pending), until=self.now)
        metrics = self.log.list_metrics([device.device for device in pending])
        for batch in _batches(pending, metrics, self.series_per_batch):
            run.stop_if_asked()
            done += self._save([self._tell(device, quiet) for device in self._judge(batch, metrics)])
        return done

    def _save(self, devices: Sequence[DeviceEpisode]) -> Counter[str]:
        """Write them; what the store refuses is searched for by halves, so that it waits alone for the next run."""
        try:
            self.log.save(devices, at=self.now)
        except DatabaseUnavailableError:
            raise
        except Exception:
            if len(devices) > 1:
                half = len(devices) // 2
                return self._save(devices[:half]) + self._save(devices[half:])
            logger.exception("the episode of %s cannot be stored", devices[0].device.device)
            return Counter(device_episodes_failed=1)
        return _count(devices)

    def _tell(self, device: DeviceEpisode, quiet: Sequence[QuietTime]) -> DeviceEpisode:
        return tell_together(
            device,
            lambda key, at: find_spared(quiet, key, at=at, now=self.now),
            update_every=timedelta(hours=self.alerts.update_every_hours),
        )

    def _judge(
        self, devices: Sequence[DeviceEpisode], metrics: Mapping[DeviceKey, Sequence[ScoredMetric]]
    ) -> list[DeviceEpisode]:
        """With the evidence of those that want judgement; without where it cannot be had."""
        windows = {
            place: self._windows(device, metrics[device.device])
            for place, device in enumerate(devices)
            if device.wants_judgement(self.now)
        }
        try:
            readings = self._fetch(windows)
        except DatabaseUnavailableError:
            raise
        except Exception:
            logger.exception("readings of devices cannot be read, their episodes are told without a judgement")
            return list(devices)
        return [
            self._try_to_judge(device, readings[place]) if place in readings else device
            for place, device in enumerate(devices)
        ]

    def _windows(self, device: DeviceEpisode, metrics: Sequence[ScoredMetric]) -> list[Window]:
        intervals = {metric.key: metric.interval_s for metric in metrics}
        leads = [member.key for member in device.members]
        spans = look_around(
            device.opened_at, intervals, lead=leads[0], window_days=self.policy.window_days, now=self.now
        )
        return [Window(key=key, after=after, until=until) for key, (after, until) in spans.items()]

    def _fetch(self, windows: Mapping[int, Sequence[Window]]) -> dict[int, dict[str, Readings]]:
        """Readings of all devices in one query; a device that has two episodes at once is asked for twice."""
        found: dict[int, dict[str, Readings]] = {}
        for group in _without_repeats(windows):
            readings = self.telemetry.fetch([window for place in group for window in windows[place]])
            for place in group:
                found[place] = {window.key.metric: readings[window.key] for window in windows[place]}
        return found

    def _try_to_judge(self, device: DeviceEpisode, readings: Mapping[str, Readings]) -> DeviceEpisode:
        try:
            evidence = judge_device(readings, alarms=device.first_alarms, policy=self.policy)
        except Exception:
            logger.exception("%s cannot be judged", device.device.device)
            return device
        return replace(device, evidence=evidence)


def _batches(
    devices: Sequence[DeviceEpisode], metrics: Mapping[DeviceKey, Sequence[ScoredMetric]], most: int
) -> Iterator[list[DeviceEpisode]]:
    """Devices with at most so many series together, one at least."""
    batch: list[DeviceEpisode] = []
    series = 0
    for device in devices:
        if batch and series + len(metrics[device.device]) > most:
            yield batch
            batch, series = [], 0
        batch.append(device)
        series += len(metrics[device.device])
    yield batch


def _without_repeats(windows: Mapping[int, Sequence[Window]]) -> Iterator[list[int]]:
    """Places in groups in which no series is asked for twice: an answer names the series alone."""
    left = list(windows)
    while left:
        seen: set[SeriesKey] = set()
        group: list[int] = []
        for place in left:
            keys = {window.key for window in windows[place]}
            if not keys & seen:
                group.append(place)
                seen |= keys
        yield group
        left = [place for place in left if place not in group]


def _count(devices: Sequence[DeviceEpisode]) -> Counter[str]:
    """Figures for the run."""
    done = Counter(f"devices_{judgement.value}" for judgement in _judged(devices))
    done["device_episodes_opened"] += sum(device.stored.device_episode_id is None for device in devices)
    return done


def _judged(devices: Sequence[DeviceEpisode]) -> Iterator[Judgement]:
    return (device.evidence.judgement for device in devices if device.evidence is not None)
