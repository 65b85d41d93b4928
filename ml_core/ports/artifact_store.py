"""Where artifacts lie, each named by the SHA-256 of its content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class StoredArtifact:
    """Where a content was put and how large it is."""

    sha256: str
    uri: str
    size_bytes: int
    modified_at: datetime | None = None


class ArtifactStore(Protocol):
    """A folder or object store of immutable artifacts."""

    def write(self, content: bytes) -> StoredArtifact:
        """Store a content under its hash, all or nothing, readable by its owner only; twice is once."""
        ...

    def read(self, sha256: str) -> bytes:
        """The content; ArtifactMissingError, or ArtifactDamagedError where it no longer has that hash."""
        ...

    def trash(self, sha256: str, *, at: datetime, written_before: datetime | None = None) -> int:
        """Move an artifact to the trash; bytes moved, 0 where there was none or it was written again since then."""
        ...

    def empty_trash(self, *, before: datetime) -> int:
        """Unlink what was trashed before then; bytes freed."""
        ...

    def list_artifacts(self) -> Iterator[StoredArtifact]:
        """Every artifact outside of the trash."""
        ...

    def sweep_unfinished(self, *, before: datetime) -> int:
        """Remove temporary files of writers that died before then; how many."""
        ...
