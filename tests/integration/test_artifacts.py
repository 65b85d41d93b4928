"""The artifact store on a real folder and on an object store: whole or nothing, verified at every read."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from ml_core.adapters.artifacts.artifact_store import FsspecArtifactStore
from ml_core.domain.detectors.artifact_format import decode
from ml_core.errors import ArtifactDamagedError, ArtifactError, ArtifactMissingError, ConfigurationError
from ml_core.ports.artifact_store import ArtifactStore

NOW = datetime.now(UTC)
CONTENT = b"forty thousand steps" * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the local store lies; not made yet."""
    return tmp_path / "deep" / "artifacts"


@pytest.fixture
def folder(root: Path) -> FsspecArtifactStore:
    """A store in a folder."""
    return FsspecArtifactStore(str(root))


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, root: Path) -> ArtifactStore:
    """Each kind of place behind the same promises."""
    return FsspecArtifactStore(str(root) if request.param == "folder" else f"memory://{uuid4()}/artifacts")


def _file_of(root: Path) -> Path:
    return root / SHA256[:2] / SHA256


def test_content_comes_back(store: ArtifactStore) -> None:
    """What is written is read, under its own hash."""
    stored = store.write(CONTENT)

    assert (stored.sha256, stored.size_bytes) == (SHA256, len(CONTENT))
    assert store.read(SHA256) == CONTENT


def test_writing_twice_is_once(store: ArtifactStore) -> None:
    """The same content has one place."""
    assert store.write(CONTENT) == store.write(CONTENT)
    assert [artifact.sha256 for artifact in store.list_artifacts()] == [SHA256]


def test_missing_artifact_is_named(store: ArtifactStore) -> None:
    """What was never written is missing, whether or not the store exists yet."""
    with pytest.raises(ArtifactMissingError, match=SHA256):
        store.read(SHA256)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "ab"])
def test_other_names_are_no_artifacts(store: ArtifactStore, name: str) -> None:
    """Nothing but a SHA-256 becomes a path."""
    with pytest.raises(ArtifactMissingError, match="no SHA-256"):
        store.read(name)


def test_trashed_artifact_is_gone_and_later_unlinked(store: ArtifactStore) -> None:
    """The trash is no place to read from, and is emptied by the time of trashing."""
    store.write(CONTENT)

    assert store.trash(SHA256, at=NOW) == len(CONTENT)
    assert list(store.list_artifacts()) == []
    with pytest.raises(ArtifactMissingError):
        store.read(SHA256)
    assert store.empty_trash(before=NOW - timedelta(days=7)) == 0
    assert store.empty_trash(before=NOW + timedelta(seconds=1)) == len(CONTENT)
    assert store.trash(SHA256, at=NOW) == 0


def test_listing_tells_sizes_and_times(store: ArtifactStore) -> None:
    """Purging and health know how large and how old each artifact is."""
    store.write(CONTENT)

    (artifact,) = store.list_artifacts()

    assert artifact.size_bytes == len(CONTENT)
    assert artifact.modified_at is not None
    assert abs(artifact.modified_at - NOW) < timedelta(hours=1)


def test_owner_alone_may_read(folder: FsspecArtifactStore, root: Path) -> None:
    """Files are 0600 and folders 0700, whatever the umask."""
    before = os.umask(0)
    try:
        folder.write(CONTENT)
    finally:
        os.umask(before)

    assert stat.S_IMODE(_file_of(root).stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root, _file_of(root).parent)} == {0o700}


@pytest.mark.parametrize("damaged", [CONTENT[:-1], b"", CONTENT[:50] + bytes([CONTENT[50] ^ 1]) + CONTENT[51:]])
def test_damaged_artifact_is_refused_and_healed_by_writing(
    folder: FsspecArtifactStore, root: Path, damaged: bytes
) -> None:
    """A truncated, empty or flipped artifact never loads; writing the content again mends it."""
    folder.write(CONTENT)
    _file_of(root).write_bytes(damaged)

    with pytest.raises(ArtifactDamagedError, match="checksum"):
        folder.read(SHA256)
    folder.write(CONTENT)
    assert folder.read(SHA256) == CONTENT


def test_symbolic_link_is_refused(folder: FsspecArtifactStore, root: Path, tmp_path: Path) -> None:
    """A link in place of an artifact is refused even where it leads to the right content."""
    folder.write(CONTENT)
    aside = tmp_path / "aside"
    _file_of(root).rename(aside)
    _file_of(root).symlink_to(aside)

    with pytest.raises(ArtifactDamagedError, match="symbolic link"):
        folder.read(SHA256)
    assert list(folder.list_artifacts()) == []


def test_linked_folder_is_refused(folder: FsspecArtifactStore, root: Path, tmp_path: Path) -> None:
    """Nor is a link followed one level up."""
    folder.write(CONTENT)
    aside = tmp_path / "aside"
    _file_of(root).parent.rename(aside)
    _file_of(root).parent.symlink_to(aside)

    with pytest.raises(ArtifactDamagedError, match="symbolic link"):
        folder.read(SHA256)


@pytest.mark.parametrize("name", ["unfinished", "trash"])
def test_linked_folder_is_not_swept(folder: FsspecArtifactStore, root: Path, tmp_path: Path, name: str) -> None:
    """Whoever puts a link in place of a folder that is emptied does not have another one emptied."""
    folder.write(CONTENT)
    victim = tmp_path / "victim"
    victim.mkdir()
    old = victim / f"20200101T000000Z-{SHA256}"
    old.write_text("somebody else's")
    os.utime(old, (0, 0))
    shutil.rmtree(root / name, ignore_errors=True)
    (root / name).symlink_to(victim)

    done = folder.sweep_unfinished(before=NOW) + folder.empty_trash(before=NOW)

    assert done == 0
    assert old.exists()


def test_pipe_in_place_of_an_artifact_does_not_hang(folder: FsspecArtifactStore, root: Path) -> None:
    """What is no regular file is refused at once."""
    _file_of(root).parent.mkdir(parents=True)
    os.mkfifo(_file_of(root))

    with pytest.raises(ArtifactDamagedError, match="no regular file"):
        folder.read(SHA256)


def test_pickle_is_never_opened(folder: FsspecArtifactStore, root: Path, tmp_path: Path) -> None:
    """A pickle is refused by its checksum, and even under its own hash by its format; its code never runs."""
    victim = tmp_path / "victim"
    trap = pickle.dumps(_Trap(victim))
    folder.write(CONTENT)
    _file_of(root).write_bytes(trap)

    with pytest.raises(ArtifactDamagedError, match="checksum"):
        folder.read(SHA256)
    with pytest.raises(ArtifactDamagedError, match="no model artifact"):
        decode(folder.read(folder.write(trap).sha256))
    assert not victim.exists()


class _Trap:
    """Unpickling it makes a file."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.victim,)


def test_unfinished_files_are_swept_by_age(folder: FsspecArtifactStore, root: Path) -> None:
    """What a killed writer left is no artifact and goes when it is old."""
    folder.write(CONTENT)
    left = root / "unfinished" / "dead"
    left.write_bytes(CONTENT[:10])

    assert [artifact.sha256 for artifact in folder.list_artifacts()] == [SHA256]
    assert folder.sweep_unfinished(before=NOW - timedelta(days=1)) == 0
    assert folder.sweep_unfinished(before=NOW + timedelta(days=1)) == 1
    assert not left.exists()


def test_failed_write_leaves_nothing(folder: FsspecArtifactStore, root: Path) -> None:
    """Where the final place cannot be written the error says what to check, and no rubble stays."""
    root.mkdir(parents=True)
    (root / SHA256[:2]).write_text("in the way")

    with pytest.raises(ArtifactError, match="writable and not full"):
        folder.write(CONTENT)

    assert list((root / "unfinished").iterdir()) == []


def test_unknown_scheme_is_refused_by_name() -> None:
    """A URL that no file system answers to is a mistake in the settings."""
    with pytest.raises(ConfigurationError, match=r"artifacts\.url has scheme 'nowhere'"):
        FsspecArtifactStore("nowhere://bucket/models")
