"""The wheel, built and installed beside a host with a `tasks` package of its own, away from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
MOUNTED = ("sql", "grafana", "tasks")
"""Folders of the checkout that the wheel carries under ml_core."""
NOT_SOURCE = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "tests", "docs", "benchmarks")
IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys
import ml_core
names = [module.name for module in pkgutil.walk_packages(ml_core.__path__, "ml_core.")]
files = [importlib.import_module(name).__file__ for name in names]
print(json.dumps({"modules": names, "files": files}))
"""
OPEN_EVERYTHING = """
import json
from importlib.resources import files
from ml_core.adapters.postgres.schema_resources import load_packaged_resources
from ml_core.manifest import load_manifest
from ml_core.sql import list_sql, load_queries, read_sql
def walk(folder, path=""):
    for entry in folder.iterdir():
        inner = f"{path}/{entry.name}".lstrip("/")
        if entry.is_dir():
            yield from walk(entry, inner)
        elif not entry.name.endswith((".py", ".pyc")):
            yield inner, len(entry.read_bytes())
queries = [name for path in list_sql("queries") for name in load_queries(path.split("/")[-1].removesuffix(".sql"))]
dashboards = [entry for entry in files("ml_core.grafana").joinpath("json").iterdir() if entry.name.endswith(".json")]
print(json.dumps({
    "resources": dict(walk(files("ml_core"))),
    "version": load_packaged_resources().version,
    "queries": len(queries),
    "schema": len(read_sql("schema.sql")),
    "tasks": [spec.task_id for spec in load_manifest().tasks],
    "dashboards": [json.loads(entry.read_text())["uid"] for entry in dashboards],
}))
"""
HOST_CALL = """
import json
import tasks, tasks.backup, tasks.ml_health_check
import ml_core.tasks.ml_health_check
print(json.dumps({
    "host": tasks.__file__,
    "backup": tasks.backup.run(),
    "same": tasks.ml_health_check.run is ml_core.tasks.ml_health_check.run,
}))
"""


@dataclass(frozen=True)
class Installed:
    """The wheel and an environment it is installed in, with a host project to work from."""

    wheel: Path
    environment: Path
    host: Path

    def python(self, code: str) -> Any:
        """What a program of the host prints as JSON."""
        return json.loads(self.call(str(self.environment / "bin" / "python"), "-c", code))

    def call(self, *command: str, **variables: str) -> str:
        """What a command prints, run in the host's folder without a trace of this test run's environment."""
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ML_HEALTH", "COV"))
        }
        done = subprocess.run(
            command, cwd=self.host, env=clean | variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that nothing is left in the checkout."""
    source = tmp_path_factory.mktemp("source") / "checkout"
    shutil.copytree(CHECKOUT, source, symlinks=True, ignore=NOT_SOURCE)
    built = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment with the wheel; its dependencies are those of this environment, without our editable install."""
    root = tmp_path_factory.mktemp("site")
    environment, host = root / "environment", root / "orchestrator"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = (environment / "lib").glob("python*/site-packages")
    # A path in a .pth file is searched, but .pth files inside of it are not run: no editable finder.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (host / "tasks").mkdir(parents=True)
    (host / "tasks" / "__init__.py").touch()
    (host / "tasks" / "backup.py").write_text("def run():\n    return 'the host backs up'\n")
    (host / "tasks" / "ml_health_check.py").write_text("from ml_core.tasks.ml_health_check import run\n")
    return Installed(wheel=wheel, environment=environment, host=host)


def source_files() -> set[str]:
    """What the wheel should hold under ml_core: every file of the package and of the folders it mounts."""
    found = {path for path in (CHECKOUT / "ml_core").rglob("*") if path.is_file() and not path.is_symlink()}
    names = {path.relative_to(CHECKOUT).as_posix() for path in found}
    for folder in MOUNTED:
        names |= {f"ml_core/{path.relative_to(CHECKOUT)}" for path in (CHECKOUT / folder).rglob("*") if path.is_file()}
    return {name for name in names | {"ml_core/orchestrator_plugin.toml"} if "__pycache__" not in name}


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    """One import root; each module, query, view, dashboard and template is in it."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (top_level,) = (name for name in names if name.endswith("top_level.txt"))
        roots = archive.read(top_level).decode().split()

    assert roots == ["ml_core"]
    inside = {name for name in names if name.startswith("ml_core/")}
    assert {name.split("/")[0] for name in set(names) - inside} == {"iiot_ml_health-0.1.0.dist-info"}
    assert inside == source_files()


def test_every_module_can_be_imported_from_the_wheel(installed: Installed) -> None:
    """None needs the checkout, and all come from the installed package."""
    told = installed.python(IMPORT_EVERYTHING)

    expected = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in source_files()
        if path.endswith(".py")
    }
    assert set(told["modules"]) == expected - {"ml_core"}
    assert all(Path(path).is_relative_to(installed.environment) for path in told["files"])


def test_every_resource_can_be_opened_from_the_wheel(installed: Installed) -> None:
    """SQL, schema, manifest, its JSON schema, dashboards and provisioning templates."""
    told = installed.python(OPEN_EVERYTHING)

    expected = {path.removeprefix("ml_core/") for path in source_files() if not path.endswith(".py")}
    assert set(told["resources"]) == expected
    assert all(size > 0 for name, size in told["resources"].items() if name != "py.typed")
    assert told["version"] == len(list((CHECKOUT / "sql" / "migrations").glob("*.sql")))
    assert told["queries"] > 50
    assert told["schema"] > 1000
    assert "ml_health_check" in told["tasks"]
    assert sorted(told["dashboards"]) == sorted(
        json.loads(path.read_text())["uid"] for path in (CHECKOUT / "grafana" / "json").glob("*.json")
    )


def test_a_host_with_tasks_of_its_own_keeps_them(installed: Installed) -> None:
    """`import tasks` is the host's folder, and one line in it makes a task of ours one of the host's."""
    told = installed.python(HOST_CALL)

    assert told == {
        "host": str(installed.host / "tasks" / "__init__.py"),
        "backup": "the host backs up",
        "same": True,
    }


def test_a_task_runs_from_the_wheel(installed: Installed, database_url: str, tmp_path: Path) -> None:
    """The installed program checks health on a real database and prints one JSON object."""
    told = json.loads(
        installed.call(
            str(installed.environment / "bin" / "ml-health"),
            "run", "ml_health_check", "--json", "--now", "2026-05-04T06:00:00Z",
            ML_HEALTH_DATABASE_URL=database_url,
            ML_HEALTH_HOME=str(tmp_path),
        )
    )  # fmt: skip

    assert (told["task"], told["slot"]) == ("ml_health_check", "2026-05-04T02:00:00+00:00")
    assert told["outcome"] == "succeeded"


def test_the_wheel_migrates_a_database(installed: Installed, empty_database_url: str, tmp_path: Path) -> None:
    """Migrations, views and roles are found in the package."""
    told = json.loads(
        installed.call(
            str(installed.environment / "bin" / "ml-health"), "db", "migrate", "--json",
            ML_HEALTH_DATABASE_URL=empty_database_url,
            ML_HEALTH_HOME=str(tmp_path),
        )
    )  # fmt: skip

    assert told["version"] == len(told["migrations"]) > 0
