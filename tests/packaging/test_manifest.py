"""The manifest: what it names exists, and what is wrong with one is told by name before any code is loaded."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from ml_core import __version__
from ml_core.entrypoints.runner import load_task
from ml_core.errors import ConfigurationError, UnknownParameterError, UnknownTaskError
from ml_core.manifest import TaskSpec, load_manifest, parse_manifest

TASKS_FOLDER = Path(__file__).parents[2] / "tasks"
TEXT = files("ml_core").joinpath("orchestrator_plugin.toml").read_text(encoding="utf-8")
SPECS = {spec.task_id: spec for spec in load_manifest().tasks}
PARSE_ONLY = """
import sys
from ml_core.manifest import load_manifest
load_manifest()
print(*sorted(name for name in sys.modules if name.startswith("ml_core.")))
"""


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_entry_resolves_to_a_task_that_takes_its_parameters(spec: TaskSpec) -> None:
    """The function exists, takes the context and exactly the parameters named, each of them optional."""
    context, *params = inspect.signature(load_task(spec)).parameters.values()

    assert context.name == "context"
    assert {param.name for param in params} == set(spec.params)
    assert all(param.kind is param.KEYWORD_ONLY and param.default is None for param in params)


def test_every_task_module_is_listed_once() -> None:
    """A module nobody lists would never run; the module's name is the task's id."""
    modules = sorted(path.stem for path in TASKS_FOLDER.glob("ml_*.py"))

    assert sorted(SPECS) == modules
    assert [spec.entrypoint for spec in SPECS.values()] == [f"ml_core.tasks.{name}:run" for name in SPECS]


def test_the_manifest_has_the_version_of_the_package() -> None:
    """One release, one number."""
    assert load_manifest().version == __version__


def test_the_manifest_is_checked_before_any_task_is_imported() -> None:
    """Reading it loads neither a task nor what a task needs."""
    done = subprocess.run([sys.executable, "-c", PARSE_ONLY], capture_output=True, text=True, check=True)

    loaded = done.stdout.split()
    assert "ml_core.manifest" in loaded
    assert not [name for name in loaded if name.startswith(("ml_core.tasks", "ml_core.services", "ml_core.adapters"))]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("name = ", "nmae = ", r"\$: .*'nmae' was unexpected"),
        ('version = "0.1.0"', 'version = "one"', r"\$\.version: 'one' does not match"),
        ('docs_url = "https', 'docs_url = "ftp', r"\$\.docs_url: .*does not match"),
        ("[capabilities]", "[capabilities]\nsmell = []", r"\$\.capabilities: .*'smell' was unexpected"),
        ("mqtt_topics = []", "", r"\$\.capabilities: 'mqtt_topics' is a required property"),
        ("timeout_s = 280", "timeout_s = 0", r"\$\.tasks\[1\]\.timeout_s: 0 is less than the minimum of 1"),
        ("timeout_s = 280", 'timeout_s = "long"', r"\$\.tasks\[1\]\.timeout_s: 'long' is not of type 'integer'"),
        ("retries = 2\n", "retries = 99\n", r"retries: 99 is greater than the maximum of 20"),
        ("timeout_s = 280", "timeout_s = 280\npriority = 1", r"\$\.tasks\[1\]: .*'priority' was unexpected"),
        ('"ml_core.tasks.ml_score:run"', '"os:system"', r"\$\.tasks\[1\]\.entrypoint: 'os:system' does not match"),
        ('{ confirm = "string" }', '{ confirm = "date" }', r"params\.confirm: 'date' is not one of"),
        ('"*/5 * * * *"', '"every 5 min"', r"\$\.tasks\[1\]\.schedule: .*does not match"),
        ('"*/5 * * * *"', '"99 * * * *"', r"ml_score\.schedule.*99"),
        ('depends_on = ["ml_score"]', 'depends_on = ["ml_socre"]', "ml_health_check depends on 'ml_socre'"),
        ('depends_on = ["ml_score"]', 'depends_on = ["ml_retrain"]', "'ml_retrain', which stands nowhere above it"),
        ('id = "ml_score"', 'id = "ml_discover"', "task ml_discover stands twice"),
        ("[[tasks]]", "[[tasks", "the manifest is no TOML"),
    ],
)
def test_what_is_wrong_is_named(before: str, after: str, told: str) -> None:
    """Unknown and missing keys, wrong types and bounds, a bad schedule, a dependency that is none, a twin."""
    assert before in TEXT

    with pytest.raises(ConfigurationError, match=told):
        parse_manifest(TEXT.replace(before, after, 1))


def test_an_unknown_task_is_refused_naming_the_known_ones() -> None:
    """A typing error on the command line shows what could have been meant."""
    with pytest.raises(UnknownTaskError, match=r"unknown task 'ml_scoer'; known: ml_discover, ml_score"):
        load_manifest().task("ml_scoer")


def spec_with(**params: str) -> TaskSpec:
    """A task that takes these parameters."""
    return TaskSpec(
        task_id="ml_some",
        entrypoint="ml_core.tasks.ml_some:run",
        schedule="0 2 * * *",
        jitter_s=0,
        timeout_s=1,
        retries=0,
        backoff_s=0,
        destructive=False,
        params=params,
        depends_on=(),
    )


def test_an_unknown_parameter_is_refused_naming_the_known_ones() -> None:
    """Also for a task that takes none."""
    with pytest.raises(UnknownParameterError, match=r"ml_some takes no parameter 'siries'; known: limit, series"):
        spec_with(limit="integer", series="string").check_params({"siries": "A:b"})
    with pytest.raises(UnknownParameterError, match="known: none"):
        spec_with().check_params({"x": 1})


@pytest.mark.parametrize(
    ("kind", "given", "parsed"),
    [
        ("string", "A:b", "A:b"),
        ("integer", "12", 12),
        ("integer", 12, 12),
        ("number", "0.5", 0.5),
        ("number", 2, 2.0),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("boolean", False, False),
    ],
)
def test_parameters_come_in_their_types(kind: str, given: object, parsed: object) -> None:
    """From the command line they are text; from a host they may have their type already."""
    assert spec_with(it=kind).check_params({"it": given}) == {"it": parsed}
    assert type(spec_with(it=kind).check_params({"it": given})["it"]) is type(parsed)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", "many"),
        ("integer", "1.5"),
        ("integer", 1.5),
        ("integer", True),
        ("integer", None),
        ("number", "much"),
        ("number", "nan"),
        ("number", True),
        ("boolean", "yes"),
        ("boolean", 1),
        ("string", 5),
        ("string", None),
    ],
)
def test_a_parameter_of_another_type_is_refused_by_name(kind: str, given: object) -> None:
    """Nothing is guessed: 1.5 is no whole number, and 1 is not true."""
    with pytest.raises(ConfigurationError, match=r"parameter ml_some\.it must be"):
        spec_with(it=kind).check_params({"it": given})
