"""Everything that a Grafana ought to hold, as its HTTP API takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from ml_core.adapters.grafana.files import MAX_CONNECTIONS
from ml_core.grafana.alerts import notification_policy, provisioned_rules
from ml_core.grafana.names import (
    DATASOURCE_PLACE,
    DATASOURCE_TYPE,
    FOLDER_UID,
    NAME,
    RECEIVER,
    RECEIVER_PLACE,
    TAG,
)
from ml_core.ports.grafana_files import Alerting, Datasource
from ml_core.ports.grafana_server import Resource

GROUP_INTERVAL_S = 60
CONTACT_UID = "mlh-contact"
CONTACT_SETTING = {"email": "addresses", "webhook": "url"}


def list_resources(datasource: Datasource, alerting: Alerting, *, contact_address: str | None) -> Iterator[Resource]:
    """In the order in which they refer to each other; without an address no contact point is made."""
    yield Resource(kind="folder", name=FOLDER_UID, body={"uid": FOLDER_UID, "title": NAME})
    yield _datasource(datasource)
    boards = list(_read_boards())
    for board in boards:
        yield Resource(kind="dashboard", name=board["uid"], body=board)
    tells = alerting.contact != "nobody" and contact_address is not None
    if tells:
        yield _contact(alerting, contact_address or "")
    yield _rules(boards, datasource.uid, RECEIVER if tells and not alerting.own_policies else None)
    if tells and alerting.own_policies:
        yield _policies()


def _read_boards() -> Iterator[dict[str, Any]]:
    folder = files("ml_core.grafana").joinpath("json")
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        yield json.loads(entry.read_text(encoding="utf-8"))


def _datasource(source: Datasource) -> Resource:
    body = {
        "uid": source.uid,
        "name": NAME,
        "type": DATASOURCE_TYPE,
        "access": "proxy",
        "url": source.address,
        "user": source.user,
        "jsonData": {
            "database": source.database,
            "sslmode": source.sslmode,
            "postgresVersion": source.postgres_major * 100,
            "timescaledb": False,
            "maxOpenConns": MAX_CONNECTIONS,
        },
    }
    secrets = {} if source.password is None else {"secureJsonData": {"password": source.password}}
    return Resource(kind="datasource", name=source.uid, body=body, secrets=secrets)


def _contact(alerting: Alerting, address: str) -> Resource:
    settings = {CONTACT_SETTING[alerting.contact]: address}
    body = {"uid": CONTACT_UID, "name": RECEIVER, "type": alerting.contact, "disableResolveMessage": False}
    return Resource(kind="contact", name=CONTACT_UID, body=body, secrets={"settings": settings})


def _rules(boards: list[dict[str, Any]], datasource_uid: str, receiver: str | None) -> Resource:
    panel_ids = {(board["uid"], panel["title"]): panel["id"] for board in boards for panel in board["panels"]}
    (group,) = provisioned_rules(panel_ids)["groups"]
    text = json.dumps(group["rules"]).replace(DATASOURCE_PLACE, datasource_uid).replace(RECEIVER_PLACE, receiver or "")
    rules = [_api_rule(rule, receiver) for rule in json.loads(text)]
    body = {"title": TAG, "folderUid": FOLDER_UID, "interval": GROUP_INTERVAL_S, "rules": rules}
    return Resource(kind="rules", name=TAG, body=body)


def _api_rule(rule: Mapping[str, Any], receiver: str | None) -> dict[str, Any]:
    # What a file says in fields of their own, the API keeps among the annotations; it doubles no dollar.
    places = {"__dashboardUid__": rule["dashboardUid"], "__panelId__": str(rule["panelId"])}
    words = {name: text.replace("$$", "$") for name, text in rule["annotations"].items()}
    left_out = ("dashboardUid", "panelId", "annotations", "notification_settings")
    api_rule = {name: value for name, value in rule.items() if name not in left_out}
    notification = {} if receiver is None else {"notification_settings": {"receiver": receiver}}
    return {
        **api_rule,
        "orgID": 1,
        "folderUID": FOLDER_UID,
        "ruleGroup": TAG,
        "annotations": {**words, **places},
        **notification,
    }


def _policies() -> Resource:
    return Resource(kind="policies", name="root", body=notification_policy(RECEIVER))
