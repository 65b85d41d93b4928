"""What the provisioning folder of Grafana holds, rendered from the package's own templates and dashboards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template

from ml_core.grafana.names import (
    DATASOURCE_PLACE,
    DATASOURCE_TYPE,
    EMAIL_VARIABLE,
    FOLDER_UID,
    NAME,
    PASSWORD_VARIABLE,
    RECEIVER,
    RECEIVER_PLACE,
    WEBHOOK_VARIABLE,
)
from ml_core.ports.grafana_files import Alerting, Datasource

# Half of what the login is allowed, so that a restarted Grafana finds room beside its predecessor.
MAX_CONNECTIONS = 5
DATASOURCE_FILE = "datasources/ml-health.yaml"
PROVIDER_FILE = "dashboards/ml-health.yaml"
DASHBOARDS = "dashboards/ml-health"
RULES_FILE = "alerting/rules.yaml"
POLICIES_FILE = "alerting/policies.yaml"
ALERTING_FILES = {
    RULES_FILE: "alerting/ml-health-rules.yaml",
    "contact": "alerting/ml-health-contact.yaml",
    POLICIES_FILE: "alerting/ml-health-policies.yaml",
}
"""Names under which they are written: the folder may hold a site's own."""
SECRETS = {"email": EMAIL_VARIABLE, "webhook": WEBHOOK_VARIABLE}
NOTIFICATION = re.compile(rf"^ +notification_settings:\n +receiver: {RECEIVER_PLACE}\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class ProvisionedFile:
    """One file: its path within the folder, its content, and who may read it."""

    path: str
    text: str = field(repr=False)
    mode: int


def render_files(
    datasource: Datasource, *, dashboards_path: str, alerting: Alerting | None = None
) -> Iterator[ProvisionedFile]:
    """Every file, from the packaged templates and dashboards; `dashboards_path` is where Grafana sees the latter."""
    password = f'"${{{PASSWORD_VARIABLE}}}"' if datasource.password is None else _quote(datasource.password)
    connection = {
        "name": _quote(NAME),
        "uid": _quote(datasource.uid),
        "type": _quote(DATASOURCE_TYPE),
        "url": _quote(datasource.address),
        "user": _quote(datasource.user),
        "database": _quote(datasource.database),
        "sslmode": _quote(datasource.sslmode),
        "postgres_version": str(datasource.postgres_major * 100),
        "max_connections": str(MAX_CONNECTIONS),
        "password": password,
    }
    provider = {
        "name": _quote(NAME),
        "folder": _quote(NAME),
        "folder_uid": _quote(FOLDER_UID),
        "path": _quote(dashboards_path),
    }
    # Without a secret it is for everybody: Grafana's container runs as a user of its own.
    mode = 0o644 if datasource.password is None else 0o600
    yield ProvisionedFile(path=DATASOURCE_FILE, text=_fill(DATASOURCE_FILE, connection), mode=mode)
    yield ProvisionedFile(path=PROVIDER_FILE, text=_fill(PROVIDER_FILE, provider), mode=0o644)
    for entry in sorted(_packaged("json").iterdir(), key=lambda entry: entry.name):
        text = entry.read_text(encoding="utf-8")
        yield ProvisionedFile(path=f"{DASHBOARDS}/{entry.name}", text=text, mode=0o644)
    yield from _render_alerting(datasource.uid, alerting or Alerting())


def _render_alerting(datasource_uid: str, alerting: Alerting) -> Iterator[ProvisionedFile]:
    rules = _read_template(RULES_FILE).replace(DATASOURCE_PLACE, _quote(datasource_uid))
    is_named = alerting.contact != "nobody" and not alerting.own_policies
    rules = _name_receiver(rules) if is_named else rules
    yield ProvisionedFile(path=ALERTING_FILES[RULES_FILE], text=NOTIFICATION.sub("", rules), mode=0o644)
    if alerting.contact == "nobody":
        return
    values = {
        "receiver": _quote(RECEIVER),
        "secret": f'"${{{SECRETS[alerting.contact]}}}"',
    }
    contact = _fill(f"alerting/{alerting.contact}.yaml", values)
    yield ProvisionedFile(path=ALERTING_FILES["contact"], text=contact, mode=0o644)
    if alerting.own_policies:
        text = _name_receiver(_read_template(POLICIES_FILE))
        yield ProvisionedFile(path=ALERTING_FILES[POLICIES_FILE], text=text, mode=0o644)


def _name_receiver(text: str) -> str:
    return text.replace(f"receiver: {RECEIVER_PLACE}", f"receiver: {_quote(RECEIVER)}")


def _packaged(name: str) -> Traversable:
    return files("ml_core.grafana").joinpath(name)


def _read_template(name: str) -> str:
    return _packaged("provisioning").joinpath(name).read_text(encoding="utf-8")


def _fill(template: str, values: Mapping[str, str]) -> str:
    return Template(_read_template(template)).substitute(values)


def _quote(value: str) -> str:
    # A JSON text is a YAML text; Grafana reads $NAME in it as its own variable unless the dollar is doubled.
    return json.dumps(value.replace("$", "$$"), ensure_ascii=False)
