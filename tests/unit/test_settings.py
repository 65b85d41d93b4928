"""Settings: where they come from, what is refused and in which words, and that their documents say the same."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.bootstrap import Platform
from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.incidents.redaction import redact
from ml_core.entrypoints.config_command import describe_settings
from ml_core.entrypoints.settings_text import render_example, render_reference
from ml_core.errors import ConfigurationError
from ml_core.settings import DatabaseSettings, Settings, load_settings, section_types

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
KEYS = [(section, item) for section, kind in section_types().items() for item in fields(kind)]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The place of a configuration file."""
    return tmp_path / "config.toml"


def load(config: Path, text: str, **env: str) -> Settings:
    """The settings that this file and environment make."""
    config.write_text(text)
    return load_settings({"ML_HEALTH_CONFIG": str(config), "ML_HEALTH_HOME": str(config.parent), **env})


def test_the_environment_overrides_the_file_and_the_file_the_default(config: Path) -> None:
    """Each key on its own: what is said nowhere keeps its default."""
    text = "[scoring]\nlateness_s = 60\nseries_per_batch = 7\n"
    settings = load(config, text, ML_HEALTH_SCORING__LATENESS_S="30.5")

    assert settings.scoring.lateness_s == 30.5
    assert settings.scoring.series_per_batch == 7
    assert settings.scoring.log_normal is False
    assert settings.config_path == config


def test_the_database_url_has_a_variable_of_its_own(config: Path) -> None:
    """It wins over the file and over the long form; an empty one says nothing."""
    text = '[database]\nurl = "postgresql://file/x"\n'

    assert load(config, text).database.url == "postgresql://file/x"
    assert load(config, text, ML_HEALTH_DATABASE_URL="").database.url == "postgresql://file/x"
    assert load(config, text, ML_HEALTH_DATABASE_URL="postgresql://env/x").database.url == "postgresql://env/x"


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("SCORING__LOG_NORMAL", "true", True),
        ("EXECUTION__JOBS", "-1", -1),
        ("RETRAIN__DUE_FROM_DAYS", "5", 5),
        ("ESCALATION__ASSIGNEES", '["ann", "bob"]', ("ann", "bob")),
        ("TRAINING__KIND_BY_PATTERN", '{ "PUMP*" = "isolation_forest" }', {"PUMP*": "isolation_forest"}),
        ("RETRAIN__AFTER_DEGRADATION", "off", "off"),
        ("DETECTOR__CONTAMINATION", "0.1", 0.1),
        ("DETECTOR__CONTAMINATION", "", None),
        ("GITHUB__TOKEN", "1234567", "1234567"),
        ("GITHUB__TOKEN", "true", "true"),
        ("GITHUB__FOLDER", "", ""),
        ("GRAFANA__READER_USER", "2025-01-01", "2025-01-01"),
        ("GITHUB__FOLDER", '"quoted"', '"quoted"'),
    ],
)
def test_the_environment_is_read_as_the_kind_of_its_key(config: Path, variable: str, text: str, value: object) -> None:
    """A text stays what it is, even if it looks like a number; all else is written as in TOML."""
    section, _, key = variable.lower().partition("__")
    settings = load(config, "", **{f"ML_HEALTH_{variable}": text})

    assert getattr(getattr(settings, section), key) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[scorning]\nlateness_s = 1", r"unknown section \[scorning\]; known: database, telemetry"),
        ("[scoring]\nlatness_s = 1", r"unknown setting scoring\.latness_s; known: .*lateness_s"),
        ("lateness_s = 1", r"lateness_s stands outside of a section; known: database"),
        ("[[scoring]]\nlateness_s = 1", r"scoring stands outside of a section"),
        ("[scoring", r"config\.toml cannot be read: "),
        ("[scoring]\nlateness_s = -1", r"setting scoring\.lateness_s: .*greater than or equal to 0"),
        ("[scoring]\nlateness_s = inf", r"setting scoring\.lateness_s: .*finite number"),
        ("[scoring]\nlateness_s = nan", r"setting scoring\.lateness_s: .*finite number"),
        ('[scoring]\nlateness_s = "ten"', r"setting scoring\.lateness_s: .*valid number"),
        ('[scoring]\nlog_normal = "yes"', r"setting scoring\.log_normal: .*valid boolean"),
        ("[scoring]\nlog_normal = 1", r"setting scoring\.log_normal: .*valid boolean"),
        ("[scoring]\nseries_per_batch = true", r"setting scoring\.series_per_batch: .*valid integer"),
        ("[scoring]\nseries_per_batch = 2.5", r"setting scoring\.series_per_batch: .*valid integer"),
        ("[scoring]\nseries_per_batch = 0", r"setting scoring\.series_per_batch: .*greater than or equal to 1"),
        ("[health]\ncoverage_warn = 1.5", r"setting health\.coverage_warn: .*less than or equal to 1"),
        ("[retention]\nretired_days = 1e9", r"setting retention\.retired_days: .*less than or equal to 36500"),
        ("[retention]\ndetection_days = 7", r"setting retention\.detection_days: .*greater than or equal to 30"),
        ('[retrain]\nafter_degradation = "maybe"', r"setting retrain\.after_degradation: .*'shadow', 'on' or 'off'"),
        ("[escalation]\nassignees = [1]", r"setting escalation\.assignees\.0: .*valid string"),
        ("[detector]\nn_estimators = 0", r"setting detector\.n_estimators must be a whole number from 1"),
        ('[detector]\nn_estimators = "many"', r"setting detector\.n_estimators: .*valid integer"),
        ("[detector]\ntarget_alarm_rate = 0.9", r"setting detector\.target_alarm_rate must be .* at most 0\.5"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_bound(config: Path, text: str, told: str) -> None:
    """Section, key, kind and bound stand in the message, and which file it is."""
    with pytest.raises(ConfigurationError, match=told) as raised:
        load(config, text)

    assert str(config) in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("ML_HEALTH_SCORNING__LATENESS_S", r"unknown setting ML_HEALTH_SCORNING__LATENESS_S; the form is .*scoring"),
        ("ML_HEALTH_LATENESS_S", r"unknown setting ML_HEALTH_LATENESS_S; the form is ML_HEALTH_SECTION__KEY"),
        ("ML_HEALTH_SCORING__LATNESS_S", r"unknown setting scoring\.latness_s; known: .*lateness_s"),
        ("ML_HEALTH_SCORING__LATENESS_S", r"setting scoring\.lateness_s: .*valid number"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(config: Path, variable: str, told: str) -> None:
    """A typing error in a variable's name is not ignored."""
    with pytest.raises(ConfigurationError, match=told):
        load(config, "", **{variable: "x"})


def test_other_variables_are_none_of_ours(config: Path) -> None:
    """Whatever else stands in the environment is left alone."""
    assert load(config, "", PATH="/bin", ML_HEALTHY="1").scoring == Settings(home=config.parent).scoring


def test_a_configuration_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    """A wrong path does not lead to the defaults."""
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigurationError, match=r"ML_HEALTH_CONFIG names .* which is not a file"):
            load_settings({"ML_HEALTH_CONFIG": str(path)})


def test_a_file_in_another_encoding_is_told(config: Path) -> None:
    """Not every editor writes UTF-8."""
    config.write_bytes('[github]\nfolder = "caf\u00e9"\n'.encode("latin-1"))

    with pytest.raises(ConfigurationError, match=r"cannot be read: .*utf-8"):
        load_settings({"ML_HEALTH_CONFIG": str(config)})


def test_the_home_folder_is_absolute(config: Path) -> None:
    """A task of a host with another working folder finds the same files."""
    settings = load(config, "", ML_HEALTH_HOME="~/somewhere/../else")

    assert settings.home == Path.home() / "else"


@pytest.mark.parametrize(("section", "item"), KEYS, ids=[f"{section}.{item.name}" for section, item in KEYS])
def test_every_key_says_what_it_is_for(section: str, item: Any) -> None:
    """One sentence, which the example and the documents show."""
    words = item.metadata.get("help", "")

    assert re.fullmatch(r"\w.*[.]", words), f"{section}.{item.name}: {words!r}"
    assert "\n" not in words
    assert "|" not in words


def test_the_example_uncommented_is_the_defaults(config: Path) -> None:
    """Whoever takes the comment sign from a key changes nothing yet."""
    text = re.sub(r"^# (?=\w+ = )", "", render_example(), flags=re.MULTILINE)

    keys = tomllib.loads(text)
    assert {section: set(table) for section, table in keys.items()} == {
        section: {item.name for item in fields(kind)} for section, kind in section_types().items()
    }
    settings = load(config, text)
    for section, kind in section_types().items():
        assert getattr(settings, section) == kind(), section


def test_the_example_as_it_is_sets_nothing(config: Path) -> None:
    """It can be put in place unread."""
    assert load(config, render_example()).detector == FitOptions()


def test_the_document_is_what_the_settings_say() -> None:
    """docs/configuration.md is written by `ml-health config --reference`, and cannot drift."""
    assert DOCUMENT.read_text(encoding="utf-8") == render_reference()


def test_the_document_names_kind_bounds_and_default() -> None:
    """A line has all that one needs to change a key."""
    lines = render_reference().splitlines()

    assert any(
        "`detection_days` |" in line and "number, at least 30, at most 36,500 | `180.0`" in line for line in lines
    )
    assert any("`after_degradation` |" in line and '`shadow`, `on`, `off` | `"shadow"`' in line for line in lines)
    assert any("`contamination` |" in line and "number | not set" in line for line in lines)
    assert any("`assignees` |" in line and "list of text | not set" in line for line in lines)


@given(letters=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=4, max_size=20))
def test_what_is_printed_holds_no_secret(letters: str) -> None:
    """Neither token, database URL nor a password in a store's address."""
    # The first letters keep it apart from words that stand in the settings themselves.
    password = "Zq" + letters
    settings = Settings(home=Path("/h"), database=DatabaseSettings(url=f"postgresql://writer:{password}@db/x"))
    tokened = load_settings(
        {
            "ML_HEALTH_DATABASE_URL": settings.database.url,
            "ML_HEALTH_GITHUB__TOKEN": password,
            "ML_HEALTH_ARTIFACTS__URL": f"s3://key:{password}@bucket/models",
        }
    )

    shown = json.dumps(describe_settings(Platform(tokened)), default=str)
    assert password not in shown
    assert password in " ".join(tokened.secrets)
    assert password not in repr(tokened.github)


@pytest.mark.parametrize("variable", ["ML_HEALTH_ARTIFACTS__URL", "ML_HEALTH_RETENTION__ARCHIVE_URL"])
@pytest.mark.parametrize("address", ["s3://key:Zq%2Fsecret@bucket/x", "simplecache::s3://key:Zq%2Fsecret@bucket/x"])
def test_a_password_in_a_stores_address_is_redacted(variable: str, address: str) -> None:
    """Also where an error tells it apart from its address, as it stands there or as it is typed."""
    settings = load_settings({variable: address})

    assert redact("denied: Zq%2Fsecret, Zq/secret", settings.secrets) == "denied: ***, ***"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ML_HEALTH_HEALTH__STALE_AGE_DAYS": "14"}, r"health\.stale_age_days is 14, .* failed_age_days \(14\)"),
        ({"ML_HEALTH_GITHUB__REPOSITORY": "https://github.com/acme/plant"}, r"github\.repository must .* OWNER/NAME"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(given: dict[str, str], told: str) -> None:
    """Not at the first run that needs them."""
    with pytest.raises(ConfigurationError, match=told):
        load_settings(given)


def test_a_database_address_that_is_none_is_still_a_secret() -> None:
    """It is told where it is used; hiding it must not fail before."""
    settings = Settings(home=Path("/h"), database=DatabaseSettings(url="postgresql://[broken"))

    assert settings.secrets == ("postgresql://[broken",)
