"""Models at hand: artifacts decoded once a process, by the hash of their content."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from ml_core.domain.detectors.artifact_format import decode

if TYPE_CHECKING:
    from ml_core.domain.detectors.detector import ModelArtifact
    from ml_core.ports.artifact_store import ArtifactStore


class ArtifactCache:
    """The artifacts read last, up to a size in bytes; a content never changes under its hash."""

    def __init__(self, store: ArtifactStore, *, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._held: OrderedDict[str, tuple[ModelArtifact, int]] = OrderedDict()

    def read(self, sha256: str) -> ModelArtifact:
        """The decoded artifact; raises ArtifactMissingError or ArtifactDamagedError."""
        held = self._held.get(sha256)
        if held is not None:
            self._held.move_to_end(sha256)
            return held[0]
        content = self._store.read(sha256)
        artifact = decode(content)
        self._held[sha256] = (artifact, len(content))
        self._held_bytes += len(content)
        self._forget_oldest()
        return artifact

    def _forget_oldest(self) -> None:
        while self._held_bytes > self._max_bytes:
            _, (_, size) = self._held.popitem(last=False)
            self._held_bytes -= size
