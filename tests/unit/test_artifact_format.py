"""Artifacts as bytes: the same model gives the same bytes, and anything else is refused by one error."""

import json
import pickle
import struct

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_core.domain.detectors.artifact_format import FORMAT_VERSION, HEADER_KEY, decode, encode
from ml_core.domain.detectors.detector import ModelArtifact
from ml_core.errors import ArtifactDamagedError

ARTIFACT = ModelArtifact(
    kind="isolation_forest",
    arrays={
        "scores": np.array([-0.5, -0.4, -0.6]),
        "breakpoints": np.array([0.25, 1.5], dtype=np.float32),
        "empty": np.zeros(0),
        "counts": np.arange(3, dtype=np.int64),
    },
    metadata={"threshold": 0.1 + 0.2, "contamination": None, "words": "größer", "quantiles": [1.0, 2.5]},
)
ENCODED = encode(ARTIFACT)


def refused_or_decoded(content):
    """Decode, or accept the one error that damage may raise; anything else fails the test."""
    try:
        return decode(content)
    except ArtifactDamagedError:
        return None


def with_description(text):
    """Well-formed safetensors with this text as our header entry."""
    return safetensors.numpy.save({"a": np.zeros(1)}, metadata={HEADER_KEY: text})


def test_round_trip_keeps_every_bit():
    """What is decoded is what was encoded, numbers to the last bit."""
    again = decode(ENCODED)

    assert again.kind == ARTIFACT.kind
    assert again.metadata == ARTIFACT.metadata
    assert set(again.arrays) == set(ARTIFACT.arrays)
    for name, array in ARTIFACT.arrays.items():
        assert again.arrays[name].dtype == array.dtype
        assert again.arrays[name].tobytes() == array.tobytes()
    assert encode(again) == ENCODED


def test_order_of_names_does_not_change_the_bytes():
    """Two equal artifacts built in another order are one file."""
    other = ModelArtifact(
        kind=ARTIFACT.kind,
        arrays=dict(reversed(ARTIFACT.arrays.items())),
        metadata=dict(reversed(ARTIFACT.metadata.items())),
    )

    assert encode(other) == ENCODED


def test_decoded_arrays_cannot_be_changed():
    """A frozen model stays frozen."""
    with pytest.raises(ValueError, match="read-only"):
        decode(ENCODED).arrays["scores"][0] = 0.0


def test_metadata_that_is_not_json_is_refused_at_encoding():
    """NaN is no JSON, so it never reaches a file."""
    with pytest.raises(ValueError, match="JSON"):
        encode(ModelArtifact(kind="x", arrays={}, metadata={"threshold": float("nan")}))


@settings(deadline=None, max_examples=500)
@given(position=st.integers(0, len(ENCODED) - 1), mask=st.integers(1, 255))
def test_flipped_byte_is_refused_or_decodes(position, mask):
    """A changed byte never raises anything but ArtifactDamagedError."""
    damaged = bytearray(ENCODED)
    damaged[position] ^= mask

    refused_or_decoded(bytes(damaged))


def test_every_truncation_is_refused():
    """No beginning of an artifact is an artifact."""
    assert all(refused_or_decoded(ENCODED[:length]) is None for length in range(len(ENCODED)))


@settings(deadline=None, max_examples=300)
@given(content=st.binary(max_size=300))
def test_other_bytes_are_refused(content):
    """Random bytes are no artifact."""
    with pytest.raises(ArtifactDamagedError):
        decode(content)


@settings(deadline=None, max_examples=300)
@given(text=st.text(max_size=60), rest=st.binary(max_size=16))
def test_odd_headers_are_refused(text, rest):
    """A safetensors frame around an odd header is refused."""
    header = json.dumps({"__metadata__": {HEADER_KEY: text}}).encode()

    with pytest.raises(ArtifactDamagedError):
        decode(struct.pack("<Q", len(header)) + header + rest)


def test_pickle_is_refused_and_never_run(tmp_path):
    """A pickle that would write a file is refused, and the file is not written."""
    mark = tmp_path / "ran"

    class Payload:
        def __reduce__(self):
            return (open, (str(mark), "w"))

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(ArtifactDamagedError):
            decode(pickle.dumps(Payload(), protocol=protocol))
    assert not mark.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps({"format_version": FORMAT_VERSION + 1, "kind": "x", "metadata": {}}),
        json.dumps({"format_version": FORMAT_VERSION, "kind": 1, "metadata": {}}),
        json.dumps({"format_version": FORMAT_VERSION, "kind": "x", "metadata": []}),
        '{"format_version": 1, "kind": "x", "metadata": {"threshold": NaN}}',
    ],
    ids=["empty", "list", "no version", "deep", "newer version", "kind", "metadata", "nan"],
)
def test_header_of_another_meaning_is_refused(text):
    """Well-formed safetensors that are not ours, or of a newer format, are refused."""
    with pytest.raises(ArtifactDamagedError):
        decode(with_description(text))


def test_safetensors_without_our_header_are_refused():
    """A file of another program is not ours."""
    with pytest.raises(ArtifactDamagedError, match="header"):
        decode(safetensors.numpy.save({"a": np.zeros(1)}))


def test_number_types_we_never_write_are_refused():
    """An artifact holds three number types only."""
    text = json.dumps({"format_version": FORMAT_VERSION, "kind": "x", "metadata": {}})
    content = safetensors.numpy.save({"a": np.zeros(1, np.float16)}, metadata={HEADER_KEY: text})

    with pytest.raises(ArtifactDamagedError, match="F16"):
        decode(content)
