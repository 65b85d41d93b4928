"""The compose file names what the program writes and what Grafana reads."""

from pathlib import Path
from typing import Any

import yaml

from ml_core.adapters.grafana.files import ALERTING_FILES, DASHBOARDS
from ml_core.entrypoints.cli import COMMANDS
from ml_core.grafana.names import PASSWORD_VARIABLE
from ml_core.settings import load_settings

COMPOSE = Path(__file__).parents[2] / "docs" / "compose.yaml"


def _services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return services


def test_its_settings_are_settings() -> None:
    """Nothing in the environment of the program is refused, and the addresses are those of the other services."""
    services = _services()
    settings = load_settings(services["ml-health"]["environment"])

    assert settings.grafana.database_address.partition(":")[0] in services
    assert "@postgres:5432/" in settings.database.url


def test_grafana_finds_the_folder_and_the_password() -> None:
    """The folder that is rendered is the one that is mounted, and dashboards are looked for where they are."""
    services = _services()
    program, grafana = services["ml-health"], services["grafana"]
    mounted = grafana["volumes"][0].split(":")[1]

    assert "provisioning:/provisioning" in program["volumes"]
    assert "--out /provisioning" in program["command"][2]
    assert program["environment"]["ML_HEALTH_GRAFANA__DASHBOARDS_DIR"] == f"{mounted}/{DASHBOARDS}"
    assert PASSWORD_VARIABLE in grafana["environment"]
    assert program["healthcheck"]["test"][-1].removeprefix("/provisioning/") in ALERTING_FILES.values()


def test_its_commands_are_commands() -> None:
    """Each `ml-health WORD` of the start is a command."""
    lines = _services()["ml-health"]["command"][2].splitlines()
    words = [line.replace("exec ", "").split()[1] for line in lines if "ml-health " in line]

    assert set(words) <= set(COMMANDS)
    assert len(words) == 4
