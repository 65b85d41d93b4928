"""Secrets leave no text that goes to people: known ones are replaced, and whatever looks like one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "***"

_WORD = r"(?:password|passwd|passphrase|passcode|secret|token|credential)"
_KEY = r"(?:api|access|account|secret|private|auth|encryption|signing|session|master)[_-]?key"
_SHORT = r"(?:(?<!by)(?<!com)pass(?:wort)?|pwd|(?<![a-z])pw)(?!:[^\s\"'])"
"""Not where a colon joins it to a word: `PW:flow` and `compressor-pass:temperature` are series."""
_NAMED = rf"(?:(?:{_WORD}|{_KEY})[\w.-]{{0,24}}|{_SHORT})"
"""What a secret is called, with what may follow in the name, such as `tokens` or `secret_key_base`."""

_SEPARATOR = r"(?:\\*[\"']?\s*(?:=>|->|:=|={1,2}|:|>(?!@HOST:PORT))\s*|\\*[\"']\s*,\s*(?=\\*[\"']))"
"""Between name and value in assignments, JSON (also within JSON), XML, and the `repr` of pairs and arguments.

Not where we show the form of an address ourselves: `<user>:<password>@HOST:PORT`."""

_QUOTED = (
    r"(?:\w{1,30}\(\s*)?[bfru]{0,2}"  # the repr of bytes, or of a wrapper
    r"""(?:\\+"[^"\n]*"?|\\+'[^'\n]*'?"""  # within another string
    r"""|"(?:[^"\\\n]|\\.|"")*"?|'(?:[^'\\\n]|\\.|'')*'?)"""  # without its end: a text that was cut
)
_BLOCK = r"[|>][-+\d]{0,2}[ \t]*\n(?:[ \t]+[^\n]*\n?)+"  # YAML
_BARE = r"""[^\s,;&"'](?:[^\s,;&]|[,;&](?!\s|\Z|[\w.'"-]{1,40}\s*[:=]))*"""  # a comma before the next name ends it
_UNTOLD = r"(?!(?:\\?\*){3}|[`|])"
"""A body is redacted again when it is Markdown: what was replaced, and the ends of code and of cells, stay."""

_VALUE = rf"(?:`[^`\s|]+`|{_BLOCK}|{_UNTOLD}(?:{_QUOTED}|{_BARE}))"
_PARAMETERS = r"(?:\w+\s+)?(?:[\w-]{1,30}=\"[^\"\n]*\"[,\s]*)+"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
            REDACTED,
        ),
        (rf"(:\u200b?//){_UNTOLD}[^\s\"'<>]{{1,1024}}@", rf"\1{REDACTED}@"),
        (rf"(jdbc:oracle:\w+:){_UNTOLD}[^\s@]{{1,1024}}@", rf"\1{REDACTED}@"),
        (rf"\b(hooks\.slack\.com/|[\w.-]{{1,80}}\.webhook\.office\.com/){_UNTOLD}[^\s\"'<>]+", rf"\1{REDACTED}"),
        (
            rf"\b(authorization\\*[\"']?\s*[:=]\s*\\*[\"']?){_UNTOLD}(?:{_PARAMETERS}|(?:[\w-]+:?\s+)?[^\s\"',;]+)",
            rf"\1{REDACTED}",
        ),
        (rf"\b(cookie\\*[\"']?\s*[:=]\s*\\*[\"']?){_UNTOLD}[^\n\"']+", rf"\1{REDACTED}"),
        (r"\b(bearer|basic)(:?\s+)[\w.~+/=-]{6,}", rf"\1\2{REDACTED}"),
        (rf"({_NAMED}{_SEPARATOR}){_VALUE}", rf"\1{REDACTED}"),
        (rf"((?<![\w-])--?{_NAMED}\s+)(?!-){_VALUE}", rf"\1{REDACTED}"),
        (r"(\b(?:sig|signature)=)[\w%+/=-]{6,}", rf"\1{REDACTED}"),
        (r"gh[a-z]_\w{6,}|github_pat_\w{6,}|glpat-[\w-]{6,}|xox[a-z]-[\w-]{6,}", REDACTED),
        (r"(?<![\w-])(?:gl(?:sa|c)_[\w=+/]{16,}|npm_\w{16,}|hf_[a-z0-9]{30,}|pypi-[\w-]{16,}|sk-[\w-]{20,})", REDACTED),
        (r"(?<![\w-])(?:AIza[\w-]{30,}|[rs]k_(?:live|test)_\w{6,}|SG\.[\w-]{16,}\.[\w-]+)", REDACTED),
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
