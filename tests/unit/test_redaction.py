"""Secrets in text that goes to people: none is left."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml_core.domain.incidents.markdown import make_inert
from ml_core.domain.incidents.redaction import REDACTED, redact

secrets = st.text(st.characters(exclude_characters="*", exclude_categories=("Cs",)), min_size=1).filter(str.strip)


@pytest.mark.parametrize(
    "text",
    [
        "ghp_0123456789abcdefghij",
        "github_pat_11ABCDEFG0123456789_abcdef",
        "Authorization: Bearer abcdef.ghijkl",
        "'Authorization': 'token abcdefghijkl'",
        "authorization: Basic dXNlcjpwYXNz",
        "password=abcdef",
        "PASSWORD = 'ab cd\"ef'",
        '{"password": "abc def"}',
        "PGPASSWORD=abcdef",
        "--token abc --api-key=abcdef",
        "api_key: abcdef",
        "postgresql://ml:abcdef@db.example/plant",
        "postgresql://ml:abc@def@db.example/plant",
        "amqp://:abcdef@broker",
        "jdbc:oracle:thin:ml/abcdef@db.example:1521/plant",
        "user=ml pw=abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdef",
        "AKIA0123456789ABCDEF",
        "xoxb-1234567890-abcdef",
        "-----BEGIN RSA PRIVATE KEY-----\nabcdef\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nabcdef cut here",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nabcdef\n-----END PGP PRIVATE KEY BLOCK-----",
        'password="abcdef',
        "{'password': 'abcdef",
        "{'password': b'abcdef'}",
        "password=SecretStr('abcdef')",
        r'"{\"password\":\"abcdef\"}"',
        "password='it''s abcdef'",
        "password=ab,abcdef user=x",
        "password: |\n  abc\n  abcdef\nuser: x",
        "KeyError: ('password', 'abcdef')",
        "Command '['psql', '--password', 'abcdef']' returned 1",
        "--password abcdef",
        "password := abcdef",
        "password: `abcdef`",
        "<password>abcdef</password>",
        "db.password.value=abcdef",
        "AccountKey=abcdef==;EndpointSuffix=x",
        "secret_key_base: abcdef",
        "encryption_key=abcdef",
        "sv=2025&sig=abcdef%3D&se=1",
        "Authorization: abcdef",
        'Authorization: Digest username="ann", response="abcdef"',
        "Bearer: abcdef",
        "Set-Cookie: sid=abcdef; Path=/",
        "https://hooks.slack.com/services/T0/B0/abcdef",
        "glsa_abcdefghijklmnopqrstuvwx_01234567",
        "npm_abcdefghijklmnopqrstuvwxyz",
        "pypi-AgEIcHlwaS5vcmcabcdef",
        "AIzaSyabcdefghijklmnopqrstuvwxyz0123456",
    ],
)
def test_what_looks_like_a_secret_is_replaced(text: str) -> None:
    """Tokens, passwords, authorisation headers, URL credentials and keys are taken out by their looks."""
    told = redact(f"failed: {text} (retry)")

    assert REDACTED in told
    assert not any(part in told for part in ("abcdef", "abc def", "dXNlcjpwYXNz", "0123456789"))


@pytest.mark.parametrize(
    "text",
    [
        "bypass: open, compass=20",
        "hf_pressure_sensor_17_east",
        "PW:flow and compressor-pass:temperature have drifted",
        "device pump-7/bearing: 3 tokens of 5 passed",
        "https://grafana.example/d/fleet?var-device=pump-7",
        "mail ann@example.com about pump-7",
        "the secret of a good model is data",
        "3 of 5 tests passed: G0, G1, G2",
        "Key (series_id)=(5) already exists",
    ],
)
def test_ordinary_text_is_kept(text: str) -> None:
    """Links, addresses and words that merely talk of secrets stay."""
    assert redact(text) == text


def test_what_was_redacted_and_escaped_stays_escaped() -> None:
    """A body is redacted before and after it is rendered; bare asterisks would be markup."""
    for text in ("password=hunter2", "postgresql://ml:hunter2@db", "{'token': 'hunter2'}"):
        body = make_inert(redact(text))

        assert redact(body) == body


@given(secrets, st.text(), st.text())
@example("abc", "", "")
@example("p@ss word/ü\n'", "x", "y")
def test_a_known_secret_never_leaks(secret: str, before: str, after: str) -> None:
    """A known secret is gone, as it stands and as URL, repr and JSON spell it."""
    for spelling in (secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1]):
        told = redact(f"{before}{spelling}{after}", (secret,))

        assert spelling not in told


def test_longer_secrets_go_first() -> None:
    """A secret that contains another leaves no remainder."""
    assert redact("token1234-extra", ("token1234", "token1234-extra")) == REDACTED


def test_empty_secrets_are_ignored() -> None:
    """A setting that is not set hides nothing."""
    assert redact("all well", ("", " ")) == "all well"


def test_long_texts_are_redacted_in_time() -> None:
    """Megabytes of hostile text end, so that a log line cannot stop a run."""
    for piece in (
        "://",
        "a" * 50,
        "password=",
        "eyJ",
        "-eyJ",
        "-----BEGIN PRIVATE KEY-----",
        "'\\",
        "token",
        '\\"token',
        "password:|\n a",
        'authorization: a="", ',
        "--token ",
        "token=a,",
    ):
        redact(piece * (300_000 // len(piece)))
