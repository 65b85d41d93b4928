"""The plugin's manifest: read and checked before any task is imported."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema

from ml_core.domain.schedule import check_schedule
from ml_core.errors import ConfigurationError, UnknownParameterError, UnknownTaskError

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One task of the manifest."""

    task_id: str
    entrypoint: str
    schedule: str
    jitter_s: int
    timeout_s: int
    retries: int
    backoff_s: int
    destructive: bool
    params: Mapping[str, str]
    depends_on: tuple[str, ...]

    def check_params(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters in their types; an unknown one or one of the wrong type is refused by name."""
        checked: dict[str, Any] = {}
        for name, value in given.items():
            if name not in self.params:
                known = ", ".join(self.params) or "none"
                raise UnknownParameterError(f"{self.task_id} takes no parameter {name!r}; known: {known}")
            checked[name] = _parse_param(f"{self.task_id}.{name}", self.params[name], value)
        return checked


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The whole of orchestrator_plugin.toml."""

    plugin_id: str
    name: str
    version: str
    requires_host: str
    requires_python: str
    docs_url: str
    issue_tracker: str
    capabilities: Mapping[str, tuple[str, ...]]
    tasks: tuple[TaskSpec, ...]

    def task(self, task_id: str) -> TaskSpec:
        """The task of that id; UnknownTaskError names the known ones."""
        for spec in self.tasks:
            if spec.task_id == task_id:
                return spec
        raise UnknownTaskError(f"unknown task {task_id!r}; known: {', '.join(spec.task_id for spec in self.tasks)}")


@cache
def load_manifest() -> Manifest:
    """The packaged manifest."""
    return parse_manifest(files("ml_core").joinpath("orchestrator_plugin.toml").read_text(encoding="utf-8"))


def parse_manifest(text: str) -> Manifest:
    """Check a manifest's text against its schema and its own references; ConfigurationError names the key."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"the manifest is no TOML: {exc}") from exc
    schema = json.loads(files("ml_core").joinpath("manifest_schema.json").read_text(encoding="utf-8"))
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(table), key=lambda e: e.json_path)
    if errors:
        raise ConfigurationError(f"manifest {errors[0].json_path}: {errors[0].message}")
    tasks = tuple(_task(entry) for entry in table["tasks"])
    _check_references(tasks)
    return Manifest(
        plugin_id=table["id"],
        capabilities={name: tuple(values) for name, values in table["capabilities"].items()},
        tasks=tasks,
        **{
            key: table[key]
            for key in ("name", "version", "requires_host", "requires_python", "docs_url", "issue_tracker")
        },
    )


def _task(entry: Mapping[str, Any]) -> TaskSpec:
    rest = {key: value for key, value in entry.items() if key not in ("id", "depends_on")}
    check_schedule(entry["schedule"], f"{entry['id']}.schedule")
    return TaskSpec(task_id=entry["id"], depends_on=tuple(entry["depends_on"]), **rest)


def _check_references(tasks: tuple[TaskSpec, ...]) -> None:
    seen: set[str] = set()
    for spec in tasks:
        if spec.task_id in seen:
            raise ConfigurationError(f"manifest: task {spec.task_id} stands twice")
        # Only earlier tasks may be named, so that no circle can form.
        for name in spec.depends_on:
            if name not in seen:
                raise ConfigurationError(f"manifest: {spec.task_id} depends on {name!r}, which stands nowhere above it")
        seen.add(spec.task_id)


def _parse_param(name: str, kind: str, value: Any) -> Any:
    """The value as its kind; a text is read as JSON writes it, so that 1.5 is no whole number and 1 is not true."""
    parsed = value
    if kind != "string" and isinstance(value, str):
        try:
            parsed = json.loads(value)
        except json.JSONDecodeError:
            parsed = None
    if type(parsed) not in _KINDS[kind] or (isinstance(parsed, float) and not math.isfinite(parsed)):
        raise ConfigurationError(f"parameter {name} must be of type {kind}, got {value!r}")
    return float(parsed) if kind == "number" else parsed
