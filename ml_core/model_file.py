"""One model in one file: a first line with the SHA-256 of what follows, then the artifact; never a pickle."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ml_core.domain.detectors.artifact_format import decode, encode
from ml_core.errors import ArtifactDamagedError, ArtifactMissingError

if TYPE_CHECKING:
    from ml_core.domain.detectors.detector import ModelArtifact

MAGIC = b"ML-HEALTH-MODEL 1 "


def write_model(path: str | os.PathLike[str], artifact: ModelArtifact) -> None:
    """Write atomically (temporary file, fsync, rename), for the owner's eyes only; makes missing folders."""
    content = encode(artifact)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file with mode 0600; beside the target, so that the rename stays on one file system.
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + _checksum(content) + b"\n" + content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def read_model(path: str | os.PathLike[str]) -> ModelArtifact:
    """Read and verify; raises ArtifactMissingError or ArtifactDamagedError."""
    try:
        framed = Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as exc:
        raise ArtifactMissingError(f"there is no model file {os.fspath(path)!r}; train and save one") from exc
    first_line, _, content = framed.partition(b"\n")
    if not first_line.startswith(MAGIC):
        raise ArtifactDamagedError(
            f"{os.fspath(path)!r} is no model file of this program (pickles are never opened); train again"
        )
    if first_line[len(MAGIC) :] != _checksum(content):
        raise ArtifactDamagedError(f"{os.fspath(path)!r} does not match its checksum; restore it or train again")
    return decode(content)


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
