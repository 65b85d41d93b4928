"""Grafana's HTTP API, through the library grafana-client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ml_core.errors import ConfigurationError, GrafanaError
from ml_core.grafana.names import FOLDER_UID, TAG
from ml_core.ports.grafana_server import WITHHELD, Resource

TIMEOUT_S = 20.0
NOT_FOUND = 404
OF_THIS_COPY = ("id", "version")
"""Fields of a dashboard that each Grafana counts by itself."""


class HttpGrafanaServer:
    """One Grafana with one token."""

    def __init__(self, url: str, token: str) -> None:
        try:
            from grafana_client import GrafanaApi, TokenAuth
        except ImportError as exc:
            raise ConfigurationError(
                "this needs the package grafana-client: pip install 'iiot-ml-health[grafana]'"
            ) from exc
        self._url = url
        self._api = GrafanaApi.from_url(url, credential=TokenAuth(token), timeout=TIMEOUT_S)

    def find(self, resource: Resource) -> Mapping[str, Any] | None:
        """The resource as Grafana has it, in the form of its body; None where there is none."""
        from grafana_client.client import GrafanaClientError

        with self._asking(f"read {resource}"):
            try:
                return self._read(resource)
            except GrafanaClientError as exc:
                if exc.status_code == NOT_FOUND:
                    return None
                raise

    def save(self, resource: Resource, *, exists: bool) -> None:
        """Make it as it ought to be; what was made stays editable by whoever may edit in Grafana."""
        body = {**resource.body, **resource.secrets}
        with self._asking(f"write {resource}"):
            self._write(resource, body, exists)

    def _read(self, resource: Resource) -> Mapping[str, Any] | None:
        api, name = self._api, resource.name
        found: Mapping[str, Any] | None
        match resource.kind:
            case "folder":
                found = api.folder.get_folder(name)
            case "datasource":
                found = _with_secrets(api.datasource.get_datasource_by_uid(name), resource.secrets)
            case "dashboard":
                found = _comparable(api.dashboard.get_dashboard(name)["dashboard"], resource.body)
            case "rules":
                found = api.alertingprovisioning.get_rule_group(FOLDER_UID, TAG)
            case "contact":
                points = api.alertingprovisioning.get_contactpoints()
                found = next((point for point in points if point["uid"] == name), None)
            case "policies":
                found = api.alertingprovisioning.get_notification_policy_tree()
        return found

    def _write(self, resource: Resource, body: dict[str, Any], exists: bool) -> None:
        api, name = self._api, resource.name
        match resource.kind:
            case "folder" if exists:
                api.folder.update_folder(name, title=body["title"], overwrite=True)
            case "folder":
                api.folder.create_folder(body["title"], uid=name)
            case "datasource" if exists:
                api.datasource.update_datasource_by_uid(name, body)
            case "datasource":
                api.datasource.create_datasource(body)
            case "dashboard":
                api.dashboard.update_dashboard({"dashboard": body, "folderUid": FOLDER_UID, "overwrite": True})
            case "rules":
                api.alertingprovisioning.update_rule_group(FOLDER_UID, TAG, body, disable_provenance=True)
            case "contact" if exists:
                api.alertingprovisioning.update_contactpoint(name, body)
            case "contact":
                api.alertingprovisioning.create_contactpoint(body, disable_provenance=True)
            case "policies":
                api.alertingprovisioning.set_notification_policy_tree(body, disable_provenance=True)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        from grafana_client.client import GrafanaException
        from requests import RequestException

        try:
            yield
        except GrafanaException as exc:
            raise GrafanaError(f"{self._url} refused to {what} ({exc.status_code}: {exc.message})") from exc
        except RequestException as exc:
            raise GrafanaError(
                f"{self._url} gave no answer when asked to {what} ({type(exc).__name__}): check that Grafana runs "
                "there and can be reached from here"
            ) from exc


def _with_secrets(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A datasource with its secrets in the place of ours: of each Grafana says only whether there is one."""
    kept = found.get("secureJsonFields", {})
    names = wanted.get("secureJsonData", {})
    return {**found, "secureJsonData": {name: WITHHELD if kept.get(name) else "" for name in names}}


def _comparable(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A dashboard without what each Grafana counts itself; a field of ours that somebody added stands out."""
    return {name: value for name, value in found.items() if name not in OF_THIS_COPY or name in wanted}
