"""What an artifact store asks of the place where its files lie, and such a place behind an fsspec URL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class PlacedFile:
    """One file of a place; its time is None where the place tells none."""

    name: str
    size_bytes: int
    modified_at: datetime | None


class Place(Protocol):
    """Files by relative names with forward slashes."""

    def uri(self, name: str) -> str:
        """Where a file lies, for people and other programs."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Make a new file."""
        ...

    def read(self, name: str) -> bytes:
        """Its bytes; FileNotFoundError where there is none."""
        ...

    def move(self, name: str, target: str) -> None:
        """Rename, over what stands there."""
        ...

    def remove(self, name: str) -> None:
        """Unlink; harmless where there is none."""
        ...

    def list_files(self, folder: str = "") -> Iterator[PlacedFile]:
        """Files under a folder."""
        ...


class RemotePlace:
    """A folder of any fsspec file system, such as a bucket or memory."""

    def __init__(self, filesystem: Any, root: str) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")

    def uri(self, name: str) -> str:
        """The URL of a file, without the user and password that the store's own URL may hold."""
        return str(self._filesystem.unstrip_protocol(self._path(name)))

    def write(self, name: str, content: bytes) -> None:
        """Put an object."""
        path = self._path(name)
        self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._filesystem.pipe_file(path, content)

    def read(self, name: str) -> bytes:
        """Get an object; FileNotFoundError where there is none."""
        return bytes(self._filesystem.cat_file(self._path(name)))

    def move(self, name: str, target: str) -> None:
        """Copy, then delete: what most object stores have for a rename."""
        path = self._path(target)
        self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._filesystem.mv(self._path(name), path)

    def remove(self, name: str) -> None:
        """Delete an object."""
        try:
            self._filesystem.rm_file(self._path(name))
        except FileNotFoundError:
            return

    def list_files(self, folder: str = "") -> Iterator[PlacedFile]:
        """Objects under a prefix."""
        # Listings may be cached by the file system, and other processes write here.
        self._filesystem.invalidate_cache()
        found = self._filesystem.find(self._path(folder), detail=True)
        for path, info in sorted(found.items()):
            yield PlacedFile(name=path[len(self._root) + 1 :], size_bytes=int(info["size"]), modified_at=_time_of(info))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")


def _time_of(info: dict[str, Any]) -> datetime | None:
    """When an object was written; file systems differ in the key they tell it by."""
    for key in ("LastModified", "last_modified", "mtime", "updated", "created"):
        moment = info.get(key)
        if isinstance(moment, datetime):
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(moment, int | float):
            return datetime.fromtimestamp(moment, UTC)
    return None
