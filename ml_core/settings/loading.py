"""Settings read once, from a TOML file with the environment over it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_data_path

from ml_core.errors import ConfigurationError
from ml_core.settings.catalog import Settings, section_types
from ml_core.settings.checking import build_section, put_text

ENV_PREFIX = "ML_HEALTH_"
SYSTEM_CONFIG = Path("/etc/ml-health/config.toml")
_ENV_APART = {
    "ML_HEALTH_CONFIG", "ML_HEALTH_HOME", "ML_HEALTH_DATABASE_URL",
    # Grafana's own, which `ml-health grafana` reads too.
    "ML_HEALTH_GRAFANA_URL", "ML_HEALTH_GRAFANA_TOKEN", "ML_HEALTH_GRAFANA_PASSWORD", "ML_HEALTH_ALERT_EMAIL",
    "ML_HEALTH_ALERT_WEBHOOK_URL",
}  # fmt: skip


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the file, then the environment over it; unknown keys are refused by name."""
    env = os.environ if environ is None else environ
    path = _config_path(env)
    tables = _read_file(path) if path else {}
    _override(tables, env)
    home = Path(env.get("ML_HEALTH_HOME") or user_data_path("ml-health")).expanduser().resolve()
    try:
        sections = {name: build_section(name, kind, tables.pop(name, {})) for name, kind in section_types().items()}
        if tables:
            raise ConfigurationError(f"unknown section [{next(iter(tables))}]; known: {', '.join(section_types())}")
    except ConfigurationError as exc:
        read = "the environment" if path is None else f"{path} and the environment"
        raise ConfigurationError(f"{exc} (settings come from {read})") from exc
    return Settings(home=home, config_path=path, **sections)


def change_settings(settings: Settings, changes: Mapping[str, str]) -> Settings:
    """The settings with some others: SECTION.KEY and its value as it is written in the environment.

    Raises ConfigurationError naming what is unknown, or which bound a value breaks.
    """
    kinds = section_types()
    tables: dict[str, dict[str, Any]] = {}
    for name, text in changes.items():
        section, _, key = name.partition(".")
        if section not in kinds:
            known = ", ".join(kinds)
            raise ConfigurationError(f"unknown setting {name!r}; the form is SECTION.KEY with a section of {known}")
        held = {item.name: getattr(getattr(settings, section), item.name) for item in fields(kinds[section])}
        put_text(tables.setdefault(section, held), kinds[section], key, text)
    return replace(
        settings, **{section: build_section(section, kinds[section], table) for section, table in tables.items()}
    )


def _config_path(env: Mapping[str, str]) -> Path | None:
    named = env.get("ML_HEALTH_CONFIG")
    if named:
        path = Path(named).expanduser()
        if not _is_file(path):
            raise ConfigurationError(f"ML_HEALTH_CONFIG names {path}, which is not a file")
        return path
    candidates = (SYSTEM_CONFIG, user_config_path("ml-health") / "config.toml")
    return next((path for path in candidates if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc}") from exc


def _read_file(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc}") from exc
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigurationError(f"{path}: {name} stands outside of a section; known: {', '.join(section_types())}")
    return tables


def _override(tables: dict[str, dict[str, Any]], env: Mapping[str, str]) -> None:
    kinds = section_types()
    for variable, text in env.items():
        if not variable.startswith(ENV_PREFIX) or variable in _ENV_APART or variable.startswith("ML_HEALTH_TEST_"):
            continue
        section, separator, key = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        if not separator or section not in kinds:
            raise ConfigurationError(
                f"unknown setting {variable}; the form is {ENV_PREFIX}SECTION__KEY with a section of {', '.join(kinds)}"
            )
        put_text(tables.setdefault(section, {}), kinds[section], key, text)
    if env.get("ML_HEALTH_DATABASE_URL"):
        tables.setdefault("database", {})["url"] = env["ML_HEALTH_DATABASE_URL"]
