"""Secrets leave no text that goes to people: known ones are replaced, and whatever looks like one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "***"
_NAMED = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?"
    r"|(?:api|access|secret|private|auth)[_-]?key)"
)
_VALUE = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[^\s,;&"']+)"""
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", REDACTED),
        (r"(:\u200b?//)[^\s\"'<>]{1,1024}@", rf"\1{REDACTED}@"),
        (r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", rf"\1 {REDACTED}"),
        (r"\b(authorization[\"']?\s*[:=]\s*[\"']?\w+)\s+[^\s\"',;]+", rf"\1 {REDACTED}"),
        (rf"({_NAMED}[\"']?\s*(?:=>|[:=])\s*){_VALUE}", rf"\1{REDACTED}"),
        (r"gh[a-z]_\w{6,}|github_pat_\w{6,}|glpat-[\w-]{6,}|xox[a-z]-[\w-]{6,}", REDACTED),
        (r"(?<![\w-])eyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?|\bA[KS]IA[0-9A-Z]{16}\b", REDACTED),
    )
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` with the known `secrets`, and whatever looks like one, replaced by three asterisks.

    A known secret is found as it stands and as a URL, `repr` or JSON would spell it.
    """
    for spelling in sorted(_spellings(secrets), key=len, reverse=True):
        text = text.replace(spelling, REDACTED)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _spellings(secrets: Iterable[str]) -> set[str]:
    known = {secret for secret in secrets if secret.strip()}
    return {
        spelling
        for secret in known
        for spelling in (secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1])
    }
