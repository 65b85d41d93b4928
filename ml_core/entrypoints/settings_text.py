"""What is said of settings in files and documents: one source, the settings themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from ml_core.settings import section_types

EXAMPLE_HEAD = """\
# Settings of ml-health. Put what you change into /etc/ml-health/config.toml, the user's
# configuration folder, or the file that ML_HEALTH_CONFIG names. ML_HEALTH_SECTION__KEY overrides.
"""
REFERENCE_HEAD = """\
# Settings

<!-- Written by `ml-health config --reference`; a test compares. -->

Settings are read once at the start of a program: first a TOML file, then the environment over it. The file is the one
that `ML_HEALTH_CONFIG` names, else `/etc/ml-health/config.toml`, else `ml-health/config.toml` in the user's
configuration folder (`~/.config`). A key of section `[scoring]` is also set by `ML_HEALTH_SCORING__KEY`, with numbers,
lists and truth values written as in TOML. An unknown section or key, a value of another type or out of its bounds is
refused by name. `ml-health config` prints what is in force, `ml-health config --example` a file with every key.

| variable | what |
|---|---|
| `ML_HEALTH_CONFIG` | The configuration file. |
| `ML_HEALTH_HOME` | Folder of the embedded database, models, rendered issues; default: the user's data folder. |
| `ML_HEALTH_DATABASE_URL` | The platform's PostgreSQL, `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`. |
| `ML_HEALTH_GITHUB__TOKEN` | Access token of GitHub; never in a file that others can read. |
"""
_SIGNS = {Ge: ("ge", "at least"), Gt: ("gt", "over"), Le: ("le", "at most"), Lt: ("lt", "below")}
_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text"}


def render_example() -> str:
    """Every section and key with its help and default, commented out, as TOML."""
    lines = [EXAMPLE_HEAD.rstrip()]
    for name, kind in section_types().items():
        lines += ["", f"[{name}]"]
        for item in fields(kind):
            lines += [f"# {item.metadata['help']}", f"# {item.name} = {_toml(getattr(kind(), item.name))}"]
    return "\n".join(lines) + "\n"


def render_reference() -> str:
    """Every section as a Markdown table: key, what it is for, kind and bounds, default."""
    return REFERENCE_HEAD + "".join("\n" + "\n".join(_section(*named)) + "\n" for named in section_types().items())


def _section(name: str, kind: type[Any]) -> Iterator[str]:
    hints, defaults = get_type_hints(kind, include_extras=True), kind()
    yield f"## [{name}]"
    yield ""
    yield (kind.__doc__ or "").splitlines()[0]
    yield ""
    yield "| key | what | value | default |"
    yield "|---|---|---|---|"
    for item in fields(kind):
        default = getattr(defaults, item.name)
        shown = "not set" if default in (None, "", (), {}) else f"`{_toml(default)}`"
        yield f"| `{item.name}` | {item.metadata['help']} | {describe_kind(hints[item.name])} | {shown} |"


def describe_kind(kind: Any) -> str:
    """A kind of value and its bounds in words, such as `number, over 0`."""
    arguments = get_args(kind)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if get_origin(kind) is Annotated:
        bounds = [_bound(bound) for bound in arguments[1:]]
        return ", ".join([describe_kind(arguments[0]), *bounds])
    if get_origin(kind) is tuple:
        return f"list of {describe_kind(arguments[0])}"
    if get_origin(kind) is dict:
        return f"table of {describe_kind(arguments[1])} by text"
    if arguments:
        return describe_kind(arguments[0])
    return _WORDS[kind]


def _bound(bound: Any) -> str:
    attribute, words = _SIGNS[type(bound)]
    return f"{words} {getattr(bound, attribute):,}"


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return '""'
        case dict():
            return "{" + ", ".join(f"{json.dumps(name)} = {_toml(entry)}" for name, entry in value.items()) + "}"
        case tuple():
            return "[" + ", ".join(_toml(entry) for entry in value) + "]"
        case str():
            return json.dumps(value)
        case _:
            return repr(value)
