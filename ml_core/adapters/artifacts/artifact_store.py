"""The artifact store on a folder or any fsspec URL: immutable contents, each named by its SHA-256."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from ml_core.adapters.artifacts.artifact_folder import LocalFolder
from ml_core.adapters.artifacts.artifact_place import Place, RemotePlace
from ml_core.errors import ArtifactDamagedError, ArtifactError, ArtifactMissingError, ConfigurationError
from ml_core.ports.artifact_store import StoredArtifact

TRASH = "trash"
UNFINISHED = "unfinished"
TRASH_TIME = "%Y%m%dT%H%M%SZ"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TRASHED = re.compile(TRASH + r"/(\d{8}T\d{6}Z)-[0-9a-f]{64}")
_ARTIFACT = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}")


class FsspecArtifactStore:
    """Layout: `ab/ab12...` artifacts, `trash/TIME-ab12...` those given up, `unfinished/` being written."""

    def __init__(self, url: str) -> None:
        self._place = _open_place(url)

    def write(self, content: bytes) -> StoredArtifact:
        """Store a content under its hash, all or nothing, readable by its owner only; twice is once.

        It is written again where it is there: it may be damaged, and its new time keeps a purge from taking it.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        with self._told("written"):
            unfinished = f"{UNFINISHED}/{uuid4().hex}"
            try:
                self._place.write(unfinished, content)
                self._place.move(unfinished, _name_of(sha256))
            except BaseException:
                self._place.remove(unfinished)
                raise
        return StoredArtifact(sha256=sha256, uri=self._place.uri(_name_of(sha256)), size_bytes=len(content))

    def read(self, sha256: str) -> bytes:
        """The content; ArtifactMissingError, or ArtifactDamagedError where it no longer has that hash."""
        if not _SHA256.fullmatch(sha256):
            raise ArtifactMissingError(f"{sha256!r} is no SHA-256, so no artifact has that name")
        name = _name_of(sha256)
        with self._told("read"):
            try:
                content = self._place.read(name)
            except (FileNotFoundError, NotADirectoryError) as exc:
                raise ArtifactMissingError(
                    f"there is no artifact {self._place.uri(name)}; train the series again"
                ) from exc
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ArtifactDamagedError(
                f"the {len(content)} bytes of {self._place.uri(name)} do not match its checksum; train the series again"
            )
        return content

    def trash(self, sha256: str, *, at: datetime, written_before: datetime | None = None) -> int:
        """Move an artifact to the trash; bytes moved, 0 where there was none or it was written again since then."""
        name = _name_of(sha256)
        file = next((file for file in self._place.list_files(sha256[:2]) if file.name == name), None)
        if file is None or (written_before and file.modified_at and file.modified_at >= written_before):
            return 0
        with self._told("moved to the trash"):
            self._place.move(name, f"{TRASH}/{at.astimezone(UTC).strftime(TRASH_TIME)}-{sha256}")
        return file.size_bytes

    def empty_trash(self, *, before: datetime) -> int:
        """Unlink what was trashed before then; bytes freed."""
        freed = 0
        for file in list(self._place.list_files(TRASH)):
            trashed = _TRASHED.fullmatch(file.name)
            if trashed and datetime.strptime(trashed[1], TRASH_TIME).replace(tzinfo=UTC) < before:
                self._place.remove(file.name)
                freed += file.size_bytes
        return freed

    def list_artifacts(self) -> Iterator[StoredArtifact]:
        """Every artifact outside of the trash."""
        for file in self._place.list_files():
            if _ARTIFACT.fullmatch(file.name):
                yield StoredArtifact(
                    sha256=file.name[3:],
                    uri=self._place.uri(file.name),
                    size_bytes=file.size_bytes,
                    modified_at=file.modified_at,
                )

    def sweep_unfinished(self, *, before: datetime) -> int:
        """Remove temporary files of writers that died before then; how many."""
        dead = [
            file.name
            for file in self._place.list_files(UNFINISHED)
            if file.modified_at is not None and file.modified_at < before
        ]
        for name in dead:
            self._place.remove(name)
        return len(dead)

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except ArtifactError:
            raise
        except OSError as exc:
            raise ArtifactError(
                f"an artifact could not be {done} ({exc.strerror or type(exc).__name__}); check that "
                f"{self._place.uri('')} is there, writable and not full"
            ) from exc


def _name_of(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _open_place(url: str) -> Place:
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as exc:
        scheme = url.partition("://")[0]
        raise ConfigurationError(f"artifacts.url has scheme {scheme!r}, which cannot be used: {exc}") from exc
    return LocalFolder(Path(path)) if isinstance(filesystem, LocalFileSystem) else RemotePlace(filesystem, path)
