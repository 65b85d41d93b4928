"""One section's table checked and made into its settings; whatever does not fit is refused by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ml_core.errors import ConfigurationError

_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def put_text(table: dict[str, Any], kind: type[Any], key: str, text: str) -> None:
    """A value that was written as text into a section's table."""
    wanted = get_type_hints(kind, include_extras=True).get(key)
    table[key] = text if _is_text(wanted) else _parse(text)


def _is_text(kind: Any) -> bool:
    return kind is str or (get_origin(kind) is Literal and all(isinstance(word, str) for word in get_args(kind)))


def _parse(text: str) -> Any:
    """A TOML value where it reads as one (numbers, true, lists), else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def build_section(section: str, kind: type[Any], table: Mapping[str, Any]) -> Any:
    """The section of this table; ConfigurationError names the key that is unknown or the bound that is broken."""
    hints = get_type_hints(kind, include_extras=True)
    known = {item.name: item for item in fields(kind)}
    for key in table:
        if key not in known:
            raise ConfigurationError(f"unknown setting {section}.{key}; known: {', '.join(sorted(known))}")
    # What is not set by default is written as "", as TOML has no word for it.
    given = {key: value for key, value in table.items() if not (value == "" and known[key].default is None)}
    values = {key: _check(f"{section}.{key}", hints[key], value) for key, value in given.items()}
    try:
        return kind(**values)
    except ConfigurationError as exc:
        raise ConfigurationError(f"setting {section}.{exc}") from exc


def _check(name: str, kind: Any, value: Any) -> Any:
    """The value, if it is of this kind and within its bounds; nothing is converted, so that a 1 is not true."""
    # TOML's lists are Python's, a frozen policy holds tuples.
    plain = tuple(value) if isinstance(value, list) else value
    try:
        return TypeAdapter(kind, config=_STRICT).validate_python(plain)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        inner = "".join(f".{part}" for part in first["loc"])
        raise ConfigurationError(f"setting {name}{inner}: {first['msg']}") from exc
