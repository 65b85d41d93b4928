"""What the site's Grafana is provisioned with."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ml_core.bootstrap.connections import Connections
from ml_core.services.provisioning import GrafanaSite

if TYPE_CHECKING:
    from ml_core.ports.device_sites import DeviceSites
    from ml_core.ports.grafana_files import Alerting, Datasource, GrafanaFiles
    from ml_core.ports.grafana_server import GrafanaServer, Resource
    from ml_core.ports.reader_access import PasswordStore, ReaderAccess
    from ml_core.ports.view_store import ViewStore


class GrafanaParts(Connections):
    """Views, logins, files and resources of dashboards and alert rules."""

    @cached_property
    def grafana_site(self) -> GrafanaSite:
        """How the site's Grafana is set up."""
        names = self.settings.grafana
        return GrafanaSite(
            datasource_uid=names.datasource_uid,
            reader_user=names.reader_user,
            database_address=names.database_address,
        )

    @cached_property
    def views(self) -> ViewStore:
        """The views that dashboards read."""
        from ml_core.adapters.grafana.view_store import PostgresViewStore

        return PostgresViewStore(self.database, self.migrator, self.telemetry_view)

    @cached_property
    def device_sites(self) -> DeviceSites:
        """Which site each device belongs to."""
        from ml_core.adapters.ledgers.device_sites import PostgresDeviceSites, SiteMapping

        names = self.settings.grafana
        mapping = SiteMapping(
            default_site=names.site,
            relation=names.sites_relation,
            device_column=names.sites_device_column,
            site_column=names.sites_site_column,
        )
        return PostgresDeviceSites(self.database, mapping)

    @cached_property
    def grafana_reader(self) -> ReaderAccess:
        """Logins of the database server."""
        from ml_core.adapters.grafana.reader import PostgresReaderAccess

        return PostgresReaderAccess(self.database)

    @cached_property
    def grafana_password(self) -> PasswordStore:
        """The password of Grafana's login."""
        from ml_core.adapters.grafana.password_file import PasswordFile

        return PasswordFile(self.settings.home / "grafana-reader.password")

    def grafana_files(self, folder: Path | None = None) -> GrafanaFiles:
        """Grafana's provisioning files in the site's folder, or in another one."""
        from ml_core.adapters.grafana.provisioning import ProvisioningFolder

        names = self.settings.grafana
        chosen = folder or Path(names.provisioning_dir or self.settings.home / "grafana").expanduser()
        return ProvisioningFolder(
            chosen.absolute(), dashboards_path=names.dashboards_dir, alerting=self.grafana_alerting
        )

    @cached_property
    def grafana_alerting(self) -> Alerting:
        """Whom Grafana tells of alerts."""
        from ml_core.ports.grafana_files import Alerting

        names = self.settings.grafana
        return Alerting(contact=names.alert_contact, own_policies=names.own_policies)

    def grafana_resources(self, datasource: Datasource, *, contact_address: str | None) -> list[Resource]:
        """Everything that a Grafana ought to hold."""
        from ml_core.adapters.grafana.resources import list_resources

        return list(list_resources(datasource, self.grafana_alerting, contact_address=contact_address))

    def grafana_server(self, url: str, token: str) -> GrafanaServer:
        """A Grafana that runs."""
        from ml_core.adapters.grafana.server import HttpGrafanaServer

        return HttpGrafanaServer(url, token)
