"""`ml-health grafana apply` and `diff` against a Grafana that keeps what it is given."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from ml_core.adapters.grafana.files import render_files
from ml_core.bootstrap import Platform
from ml_core.entrypoints.grafana_command import grafana_command
from ml_core.errors import ConfigurationError, GrafanaError
from ml_core.grafana.build import render_dashboards
from ml_core.ports.grafana_files import Alerting, Datasource
from ml_core.settings import DatabaseSettings, GrafanaSettings, Settings
from tests.grafana.grafana_double import TOKEN, GrafanaDouble

RESOURCES = 2 + len(render_dashboards()) + 1
SOURCE = Datasource(
    uid="ml", address="db:5432", database="d", user="u", sslmode="require", postgres_major=18, password=None
)
PASSWORD = "keep-this-to-yourself"
Call = Callable[..., Result]


@pytest.fixture
def grafana() -> Iterator[GrafanaDouble]:
    """A Grafana that holds nothing."""
    with GrafanaDouble() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """A site whose reader has a password."""
    (tmp_path / "grafana-reader.password").write_text(PASSWORD, encoding="utf-8")
    return Settings(home=tmp_path, database=DatabaseSettings(url=database_url))


@pytest.fixture
def call(settings: Settings, grafana: GrafanaDouble) -> Iterator[Call]:
    """A function that runs `ml-health grafana WORDS` with the server's address and token."""
    with closing(Platform(settings)) as platform:

        def run(*words: str, to: Platform = platform, url: str = grafana.url, token: str = TOKEN) -> Result:
            environment = {"ML_HEALTH_GRAFANA_URL": url, "ML_HEALTH_GRAFANA_TOKEN": token}
            return CliRunner(env=environment).invoke(grafana_command, words, obj=to)

        yield run


def test_everything_is_made_once_and_then_left_alone(call: Call, grafana: GrafanaDouble) -> None:
    """The first call fills an empty Grafana, the second one writes nothing."""
    first = json.loads(call("apply", "--json").stdout)
    written = list(grafana.writes)
    second = json.loads(call("apply", "--json").stdout)

    assert len(first["created"]) == RESOURCES
    assert second == {"created": [], "updated": [], "unchanged": RESOURCES}
    assert grafana.writes == written
    assert set(grafana.dashboards) == {"mlh-fleet", "mlh-models", "mlh-device", "mlh-runs", "mlh-quality"}
    assert all(board["meta"]["folderUid"] == "ml-health" for board in grafana.dashboards.values())
    assert grafana.datasources["ml-health"]["secureJsonFields"] == {"password": True}


def test_a_password_that_was_made_later_reaches_grafana(call: Call, settings: Settings, grafana: GrafanaDouble) -> None:
    """Whoever applies before the reader's login was made has a datasource without a password until the next time."""
    (settings.home / "grafana-reader.password").unlink()
    call("apply")
    assert grafana.datasources["ml-health"]["secureJsonFields"] == {}
    (settings.home / "grafana-reader.password").write_text(PASSWORD, encoding="utf-8")
    second = json.loads(call("apply", "--json").stdout)

    assert second["updated"] == ["datasource ml-health"]
    assert grafana.datasources["ml-health"]["secureJsonFields"] == {"password": True}


def test_alert_rules_arrive_in_the_form_of_the_api(call: Call, grafana: GrafanaDouble) -> None:
    """Panels as annotations, single dollars in templates, the site's datasource, and no name of a place left."""
    call("apply")
    rules = grafana.rule_groups["ml-health"]["rules"]
    slow = next(rule for rule in rules if rule["uid"] == "mlh-latency-p95")

    assert slow["annotations"]["__dashboardUid__"] == "mlh-fleet"
    assert slow["annotations"]["__panelId__"].isdigit()
    assert "{{ $values.B.Value }}" in slow["annotations"]["summary"]
    assert slow["data"][0]["datasourceUid"] == "ml-health"
    assert not {"DATASOURCE_UID", "RECEIVER"} & set(json.dumps(rules).replace('"', " ").split())
    assert "notification_settings" not in slow


def test_what_somebody_changed_is_shown_and_mended(call: Call, grafana: GrafanaDouble) -> None:
    """A changed panel is named by the diff with both texts, and comes back."""
    call("apply")
    assert call("diff").stdout == ""
    grafana.dashboards["mlh-runs"]["dashboard"]["panels"][0]["title"] = "My panel"
    shown = call("diff")
    applied = json.loads(call("apply", "--json").stdout)

    assert shown.exit_code == 1
    assert '-      "title": "My panel"' in shown.stdout
    assert '+      "title": "Heartbeat"' in shown.stdout
    assert applied["updated"] == ["dashboard mlh-runs"]
    assert call("diff").exit_code == 0


def test_a_missing_resource_is_shown_whole_without_the_password(call: Call) -> None:
    """On an empty Grafana everything is a difference, and no secret is among it."""
    shown = call("diff").stdout

    assert '+  "title": "ML health: fleet overview"' in shown
    assert PASSWORD not in shown


def test_a_contact_point_takes_its_address_from_the_environment(
    call: Call, settings: Settings, grafana: GrafanaDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules name the contact point; the address is sent and shown nowhere."""
    monkeypatch.setenv("ML_HEALTH_ALERT_WEBHOOK_URL", "https://hooks.example.org/secret")
    names = GrafanaSettings(alert_contact="webhook")
    chosen = Settings(home=settings.home, database=settings.database, grafana=names)
    with closing(Platform(chosen)) as platform:
        shown = call("diff", to=platform).stdout
        call("apply", to=platform)
        again = json.loads(call("apply", "--json", to=platform).stdout)

    (rule, *_) = grafana.rule_groups["ml-health"]["rules"]
    assert rule["notification_settings"] == {"receiver": "ML health"}
    assert list(grafana.contacts) == ["mlh-contact"]
    assert "hooks.example.org" not in shown
    assert again["updated"] == []


def test_a_contact_point_that_moved_is_shown_and_mended(
    call: Call, settings: Settings, grafana: GrafanaDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grafana gives an address back in clear: one that changed is noticed, and still shown nowhere."""
    names = GrafanaSettings(alert_contact="email")
    with closing(Platform(Settings(home=settings.home, database=settings.database, grafana=names))) as platform:
        monkeypatch.setenv("ML_HEALTH_ALERT_EMAIL", "shift@example.org")
        call("apply", to=platform)
        assert call("diff", to=platform).exit_code == 0
        monkeypatch.setenv("ML_HEALTH_ALERT_EMAIL", "night@example.org")
        shown = call("diff", to=platform)
        mended = json.loads(call("apply", "--json", to=platform).stdout)

    assert shown.exit_code == 1
    assert "contact mlh-contact" in shown.stdout
    assert "example.org" not in shown.stdout
    assert mended["updated"] == ["contact mlh-contact"]
    assert grafana.contacts["mlh-contact"]["settings"] == {"addresses": "night@example.org"}


def test_a_sites_own_policies_are_replaced_only_where_asked(
    call: Call, settings: Settings, grafana: GrafanaDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree of policies stays what it is by default."""
    call("apply")
    assert grafana.policies == {"receiver": "grafana-default-email"}
    monkeypatch.setenv("ML_HEALTH_ALERT_EMAIL", "shift@example.org")
    names = GrafanaSettings(alert_contact="email", own_policies=True)
    with closing(Platform(Settings(home=settings.home, database=settings.database, grafana=names))) as platform:
        call("apply", to=platform)

    rendered = render_files(SOURCE, dashboards_path="/", alerting=Alerting(contact="email", own_policies=True))
    (file,) = [file.text for file in rendered if file.path.endswith("policies.yaml")]
    (from_file,) = yaml.safe_load(file)["policies"]

    assert grafana.policies["receiver"] == "ML health"
    assert {"orgId": 1, **grafana.policies} == from_file, "both ways in tell the same people"


def test_a_wrong_token_and_a_silent_server_are_told(call: Call) -> None:
    """What was asked stands in the message, the token does not."""
    refused = call("apply", token="wrong-token")
    silent = call("apply", url="http://127.0.0.1:9")

    assert isinstance(refused.exception, GrafanaError)
    assert "folder ml-health" in str(refused.exception)
    assert "wrong-token" not in str(refused.exception)
    assert isinstance(silent.exception, GrafanaError)
    assert "gave no answer" in str(silent.exception)


def test_without_address_or_token_it_says_what_to_give(call: Call) -> None:
    """Before anything is asked of anybody."""
    result = call("apply", url="", token="")

    assert isinstance(result.exception, ConfigurationError)
    assert "ML_HEALTH_GRAFANA_URL" in str(result.exception)


def test_a_provisioning_folder_is_compared_without_its_secret(call: Call, tmp_path: Path) -> None:
    """Without an address the folder is looked at: current, then edited, then left over."""
    out = tmp_path / "out"
    call("render", "--out", str(out))
    # It holds no secret, and Grafana's container runs as another user.
    assert (out / "datasources/ml-health.yaml").stat().st_mode & 0o777 == 0o644
    assert call("diff", "--out", str(out), url="").exit_code == 0
    board = out / "dashboards/ml-health/runs.json"
    board.write_text(board.read_text(encoding="utf-8").replace("Heartbeat", "Pulse"), encoding="utf-8")
    (out / "dashboards/ml-health/old.json").write_text("{}", encoding="utf-8")
    shown = call("diff", "--out", str(out), url="")

    assert shown.exit_code == 1
    assert '-      "title": "Pulse"' in shown.stdout
    assert "no longer wanted" in shown.stdout
    assert "removed:" in call("render", "--out", str(out)).stdout


@pytest.mark.skipif("GRAFANA_URL" not in os.environ, reason="GRAFANA_URL and GRAFANA_TOKEN name no real Grafana")
def test_a_real_grafana_takes_everything(call: Call) -> None:
    """Where a server is at hand it loads all of it, and a second call changes nothing."""
    place: dict[str, Any] = {"url": os.environ["GRAFANA_URL"], "token": os.environ["GRAFANA_TOKEN"]}
    call("apply", **place)

    assert json.loads(call("apply", "--json", **place).stdout)["unchanged"] == RESOURCES
