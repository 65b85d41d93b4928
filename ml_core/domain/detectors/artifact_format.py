"""Model artifacts as bytes: safetensors arrays with one JSON text, never a pickle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import safetensors
import safetensors.numpy

from ml_core.domain.detectors.detector import ModelArtifact
from ml_core.errors import ArtifactDamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT_VERSION = 1
HEADER_KEY = "ml_health"
"""The one entry of the safetensors header's free part: the JSON text with version, kind and metadata."""
LENGTH_BYTES = 8

DTYPES: Mapping[str, str] = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "|u1"}
"""Safetensors' names of the number types that an artifact may hold."""


def encode(artifact: ModelArtifact) -> bytes:
    """The artifact's bytes: equal artifacts give equal bytes."""
    description = {
        "format_version": FORMAT_VERSION,
        "kind": artifact.kind,
        "metadata": dict(artifact.metadata),
    }
    text = json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)
    arrays = {name: np.ascontiguousarray(array) for name, array in sorted(artifact.arrays.items())}
    return bytes(safetensors.numpy.save(arrays, metadata={HEADER_KEY: text}))


def decode(content: bytes) -> ModelArtifact:
    """The artifact of these bytes, its arrays read-only; raises ArtifactDamagedError for anything else."""
    try:
        entries = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as exc:
        raise ArtifactDamagedError(f"these {len(content)} bytes are no model artifact: {exc}") from exc
    description = _read_description(content)
    arrays = {name: _read_array(name, entry) for name, entry in entries}
    return ModelArtifact(kind=description["kind"], arrays=arrays, metadata=description["metadata"])


def _read_description(content: bytes) -> dict[str, Any]:
    # `deserialize` checks the header but does not hand out its free part, so it is read once more here.
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    try:
        header = json.loads(content[LENGTH_BYTES : LENGTH_BYTES + length])
        description = json.loads(header["__metadata__"][HEADER_KEY], parse_constant=_refuse_constant)
    except (KeyError, TypeError, ValueError, RecursionError) as exc:
        raise ArtifactDamagedError(f"the artifact's header has no readable {HEADER_KEY!r} entry") from exc
    if not isinstance(description, dict) or description.get("format_version") != FORMAT_VERSION:
        raise ArtifactDamagedError(f"the artifact is not of format version {FORMAT_VERSION}, the one this code reads")
    if not isinstance(description.get("kind"), str) or not isinstance(description.get("metadata"), dict):
        raise ArtifactDamagedError("the artifact's header names no kind or holds no metadata")
    return description


def _read_array(name: str, entry: Mapping[str, Any]) -> NDArray[Any]:
    if entry["dtype"] not in DTYPES:
        raise ArtifactDamagedError(f"array {name!r} is of type {entry['dtype']}, artifacts hold {', '.join(DTYPES)}")
    array = np.frombuffer(entry["data"], dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
    array.flags.writeable = False
    return array


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
