"""Tell what waits on each channel; what cannot be told waits for the next run."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.policies import AlertPolicy
from ml_core.errors import AlertChannelError
from ml_core.ports.alert_log import AlertChannel, AlertLog

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """One pass over the channels."""

    log: AlertLog
    channels: Sequence[AlertChannel]
    policy: AlertPolicy
    now: datetime

    def send_waiting(self) -> Counter[str]:
        """Tell them; how many were told and how many must wait, of all channels together."""
        done: Counter[str] = Counter()
        written_after = self.now - timedelta(hours=self.policy.max_age_hours)
        for channel in self.channels:
            events = self.log.list_waiting(channel.name, written_after=written_after)
            if not events:
                continue
            try:
                channel.send(events)
            except AlertChannelError as exc:
                logger.warning("%s", exc)
                done["alerts_waiting"] += len(events)
                continue
            # Told first: should this process die here, they are told twice rather than never.
            self.log.mark_delivered(channel.name, events, at=self.now)
            done["alerts_told"] += len(events)
        return done
