"""Whether the artifact store takes models at all: known before an hour of training, and told once for all series."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from ml_core.errors import ArtifactError
from ml_core.ports.artifact_store import ArtifactStore

PROBE_BYTES = 100_000
"""A little more than an ordinary model has, so that a disk that is all but full is noticed."""


LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""The trash of a day on which nothing else was thrown away."""


def probe_store(artifacts: ArtifactStore) -> None:
    """Write, read and remove some bytes; ArtifactError where the store does not take or return them."""
    try:
        # Bytes of its own each time: what lies there already would not be written again.
        probe = artifacts.write(os.urandom(PROBE_BYTES))
        artifacts.read(probe.sha256)
        artifacts.trash(probe.sha256, at=LONG_AGO)
        artifacts.empty_trash(before=LONG_AGO + timedelta(days=1))
    except ArtifactError as exc:
        raise ArtifactError(f"no model can be stored: {exc}") from exc
