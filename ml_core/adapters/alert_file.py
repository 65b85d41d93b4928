"""Alerts as lines of JSON in a file, for whatever reads logs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ml_core.domain.scoring.alert import AlertEvent
from ml_core.errors import AlertChannelError


class AlertFile:
    """Appends one line an event; the file may be moved away at any time."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, events: Sequence[AlertEvent]) -> None:
        """Append them with one write, on the disk when this returns."""
        lines = "".join(json.dumps(event.to_json(), ensure_ascii=False) + "\n" for event in events)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise AlertChannelError(
                f"alerts cannot be written to {self._path} ({exc.strerror}): check alerts.log_path"
            ) from exc
