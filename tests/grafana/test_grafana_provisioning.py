"""The provisioning folder holds what Grafana reads, written only where something changed."""

import json
from pathlib import Path

import pytest
import yaml

from ml_core.adapters.grafana.files import render_files
from ml_core.adapters.grafana.provisioning import ProvisioningFolder
from ml_core.errors import ConfigurationError
from ml_core.grafana.build import render_dashboards
from ml_core.ports.grafana_files import Datasource

DATASOURCE = Datasource(
    uid="ml-health",
    address="127.0.0.1:5432",
    database='fleet "a"',
    user="grafana",
    sslmode="disable",
    postgres_major=15,
    password="p$a: #\"ss'",
)
FILES = (
    "datasources/ml-health.yaml",
    "dashboards/ml-health.yaml",
    "dashboards/ml-health/fleet_overview.json",
    *(f"dashboards/ml-health/{name}" for name in render_dashboards() if name != "fleet_overview.json"),
    "alerting/ml-health-rules.yaml",
)


def _modes(folder: Path) -> dict[str, str]:
    return {path: oct((folder / path).stat().st_mode & 0o777) for path in FILES}


def _as_grafana_reads(text: str) -> str:
    return text.replace("$$", "$")


def test_the_datasource_is_read_back_as_it_was_meant(tmp_path: Path) -> None:
    """Every value survives YAML and Grafana's own reading of dollars, whatever characters it holds."""
    ProvisioningFolder(tmp_path).write(DATASOURCE, dry_run=False)
    document = yaml.safe_load((tmp_path / FILES[0]).read_text(encoding="utf-8"))
    (source,) = document["datasources"]

    assert document["apiVersion"] == 1
    assert (source["name"], source["uid"], source["type"]) == (
        "ML health",
        "ml-health",
        "grafana-postgresql-datasource",
    )
    assert source["url"] == "127.0.0.1:5432"
    assert source["editable"] is False
    assert source["jsonData"]["database"] == 'fleet "a"'
    assert source["jsonData"]["postgresVersion"] == 1500
    assert source["jsonData"]["timescaledb"] is False
    assert _as_grafana_reads(source["secureJsonData"]["password"]) == DATASOURCE.password


def test_dashboards_find_the_datasource_and_their_folder(tmp_path: Path) -> None:
    """The dashboards' variable offers our datasource by its type and name; the provider names folder and path."""
    ProvisioningFolder(tmp_path).write(DATASOURCE, dry_run=False)
    board = json.loads((tmp_path / FILES[2]).read_text(encoding="utf-8"))
    (source,) = yaml.safe_load((tmp_path / FILES[0]).read_text(encoding="utf-8"))["datasources"]
    (provider,) = yaml.safe_load((tmp_path / FILES[1]).read_text(encoding="utf-8"))["providers"]
    variable = board["templating"]["list"][0]

    assert variable["query"] == source["type"]
    assert variable["regex"] == f"/^{source['name']}/"
    assert provider["folderUid"] == "ml-health"
    assert provider["options"]["path"] == str((tmp_path / FILES[2]).parent)
    assert provider["allowUiUpdates"] is False


def test_where_grafana_sees_the_dashboards_can_be_said(tmp_path: Path) -> None:
    """A Grafana in a container sees the folder elsewhere."""
    ProvisioningFolder(tmp_path, dashboards_path="/mnt/boards").write(DATASOURCE, dry_run=False)

    assert 'path: "/mnt/boards"' in (tmp_path / FILES[1]).read_text(encoding="utf-8")


def test_without_a_password_grafana_takes_it_from_its_environment(tmp_path: Path) -> None:
    """Files for another machine hold no secret."""
    without = Datasource(
        uid="u", address="db:5432", database="d", user="u", sslmode="require", postgres_major=18, password=None
    )
    ProvisioningFolder(tmp_path).write(without, dry_run=False)
    (source,) = yaml.safe_load((tmp_path / FILES[0]).read_text(encoding="utf-8"))["datasources"]

    assert source["secureJsonData"]["password"] == "${ML_HEALTH_GRAFANA_PASSWORD}"


def test_files_are_written_once_and_only_the_changed_one_again(tmp_path: Path) -> None:
    """A second run touches nothing; an edited or opened-up file is put right."""
    folder = ProvisioningFolder(tmp_path)
    first = folder.write(DATASOURCE, dry_run=False)
    second = folder.write(DATASOURCE, dry_run=False)
    (tmp_path / FILES[2]).write_text("{}", encoding="utf-8")
    (tmp_path / FILES[0]).chmod(0o644)
    told = folder.write(DATASOURCE, dry_run=True)
    third = folder.write(DATASOURCE, dry_run=False)

    assert set(first.written) == set(FILES)
    assert (second.written, second.unchanged) == ((), len(FILES))
    assert told == third
    assert third.written == (FILES[0], FILES[2])
    assert _modes(tmp_path) == {path: "0o600" if path == FILES[0] else "0o644" for path in FILES}


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It tells what would be written, and leaves not even a folder."""
    changes = ProvisioningFolder(tmp_path / "new").write(DATASOURCE, dry_run=True)

    assert set(changes.written) == set(FILES)
    assert list(tmp_path.iterdir()) == []


def test_no_draft_is_left_behind(tmp_path: Path) -> None:
    """Only the three files are there afterwards."""
    ProvisioningFolder(tmp_path).write(DATASOURCE, dry_run=False)

    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(FILES)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The message says which path and which setting."""
    (tmp_path / "taken").write_text("", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"taken.*grafana\.provisioning_dir"):
        ProvisioningFolder(tmp_path / "taken").write(DATASOURCE, dry_run=False)


def test_the_password_is_in_no_representation() -> None:
    """Neither a datasource nor its files show the password when printed for people."""
    assert "ss'" not in repr(DATASOURCE)
    assert all("ss'" not in repr(file) for file in render_files(DATASOURCE, dashboards_path="/x"))
