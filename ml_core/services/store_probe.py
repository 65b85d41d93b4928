"""Whether the artifact store takes models at all: known before an hour of training, and told once for all series."""

from __future__ import annotations

import os
from datetime import datetime

from ml_core.errors import ArtifactError
from ml_core.ports.artifact_store import ArtifactStore

PROBE_BYTES = 100_000
"""A little more than an ordinary model has, so that a disk that is all but full is noticed."""


def probe_store(artifacts: ArtifactStore, *, now: datetime) -> None:
    """Write, read and trash some bytes; ArtifactError where the store does not take or return them."""
    try:
        # Bytes of its own each time: what lies there already would not be written again.
        probe = artifacts.write(os.urandom(PROBE_BYTES))
        artifacts.read(probe.sha256)
        artifacts.trash(probe.sha256, at=now)
    except ArtifactError as exc:
        raise ArtifactError(f"no model can be stored: {exc}") from exc
