"""A local folder that artifacts survive in: written whole and synced, read without following any link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ml_core.adapters.artifacts.artifact_place import PlacedFile
from ml_core.errors import ArtifactDamagedError

FOLDER_MODE = 0o700
FILE_MODE = 0o600


class LocalFolder:
    """Files of a folder by their relative names, none of them reached through a symbolic link."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def uri(self, name: str) -> str:
        """Where a file lies, for people and other programs."""
        return str(self._root / name)

    def write(self, name: str, content: bytes) -> None:
        """Make a new file and see its bytes onto the disk."""
        with self._open_folder(name, make=True) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            handle = os.open(Path(name).name, flags, FILE_MODE, dir_fd=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())

    def read(self, name: str) -> bytes:
        """The bytes of a regular file; FileNotFoundError, or ArtifactDamagedError for a link or a device."""
        with self._open_folder(name) as folder:
            self._refuse_link(name, folder)
            # Without waiting: a pipe in place of the file would never answer.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            with os.fdopen(os.open(Path(name).name, flags, dir_fd=folder), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise ArtifactDamagedError(f"{self.uri(name)} is no regular file; remove it")
                return file.read()

    def move(self, name: str, target: str) -> None:
        """Rename within the folder, in one step that outlives a power failure."""
        with self._open_folder(name) as source, self._open_folder(target, make=True) as destination:
            os.rename(Path(name).name, Path(target).name, src_dir_fd=source, dst_dir_fd=destination)
            os.fsync(destination)

    def remove(self, name: str) -> None:
        """Unlink a file; harmless where somebody else did."""
        with suppress(FileNotFoundError), self._open_folder(name) as folder:
            os.unlink(Path(name).name, dir_fd=folder)

    def list_files(self, folder: str = "") -> Iterator[PlacedFile]:
        """Regular files under a folder with sizes and times, links left out, the folder's own too."""
        if folder and (self._root / folder).is_symlink():
            return
        for parent, _, names in os.walk(self._root / folder):
            for name in sorted(names):
                path = Path(parent, name)
                try:
                    status = path.lstat()
                except FileNotFoundError:  # gone between the listing and the look
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield PlacedFile(
                        name=path.relative_to(self._root).as_posix(),
                        size_bytes=status.st_size,
                        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
                    )

    @contextmanager
    def _open_folder(self, name: str, *, make: bool = False) -> Iterator[int]:
        folder = self._root / Path(name).parent
        if make and not folder.is_dir():
            self._make_folder(folder)
        if folder.is_symlink() and folder != self._root:
            raise ArtifactDamagedError(f"{folder} is a symbolic link, which is refused; remove it")
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield handle
        finally:
            os.close(handle)

    def _make_folder(self, folder: Path) -> None:
        self._root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _refuse_link(self, name: str, folder: int) -> None:
        if stat.S_ISLNK(os.stat(Path(name).name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise ArtifactDamagedError(f"{self.uri(name)} is a symbolic link, which is refused; remove it")
