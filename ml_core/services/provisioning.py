"""Keeps what Grafana needs in place: current views, a login that may read them, and provisioning files."""

from __future__ import annotations

from dataclasses import dataclass

from ml_core.domain.task import TaskReport
from ml_core.ports.device_sites import DeviceSites
from ml_core.ports.grafana_files import Datasource, GrafanaFiles
from ml_core.ports.reader_access import PasswordStore, ReaderAccess
from ml_core.ports.view_store import ViewStore


@dataclass(frozen=True, kw_only=True)
class GrafanaSite:
    """How a site's Grafana is set up."""

    datasource_uid: str
    reader_user: str
    database_address: str = ""
    """HOST:PORT by which Grafana reaches the database; empty: as this program does."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one part of the provisioning did, and what an administrator must do for it."""

    changed: int = 0
    problem: str | None = None


def provision_grafana(
    site: GrafanaSite,
    *,
    views: ViewStore,
    readers: ReaderAccess,
    passwords: PasswordStore,
    files: GrafanaFiles,
    sites: DeviceSites,
    dry_run: bool,
) -> TaskReport:
    """Bring views, login, files and sites up to date; in a dry run only count what would be changed."""
    view_step = ensure_views(views, dry_run=dry_run)
    login_step = ensure_reader(site.reader_user, readers=readers, passwords=passwords, dry_run=dry_run)
    password = passwords.find() if dry_run else passwords.ensure()
    changes = files.write(describe_datasource(site, readers, password), dry_run=dry_run)
    moved = sites.assign(dry_run=dry_run)
    problems = {
        "grafana_views": view_step.problem,
        "grafana_telemetry": views.find_telemetry_problem(),
        "grafana_reader": login_step.problem,
    }
    findings = [{"check": check, "message": text} for check, text in problems.items() if text is not None]
    return TaskReport(
        counts={
            "views_refreshed": view_step.changed,
            "logins_created": login_step.changed,
            "files_written": len(changes.written),
            "files_unchanged": changes.unchanged,
            "files_removed": len(changes.removed),
            "series_moved": moved,
        },
        findings=findings,
        failures=len(findings),
    )


def ensure_views(views: ViewStore, *, dry_run: bool) -> Step:
    """Make the views anew where one is missing or differs, if the current login owns them."""
    outdated = views.list_outdated()
    if not outdated:
        return Step()
    if not views.may_refresh():
        return Step(
            problem=f"views of schema grafana are missing or old ({', '.join(outdated)}): "
            "run `ml-health db migrate` as the owner of the schema"
        )
    if not dry_run:
        views.refresh()
    return Step(changed=len(outdated))


def ensure_reader(user: str, *, readers: ReaderAccess, passwords: PasswordStore, dry_run: bool) -> Step:
    """Create Grafana's login where it is missing; one that exists is never given another password."""
    login = readers.find(user)
    if login.exists:
        return Step(problem=_login_problem(user, login.reads_views, readers, passwords))
    if not readers.may_create():
        return Step(problem=_ask_administrator(user, passwords.place))
    if dry_run:
        return Step(changed=1)
    refusal = readers.create(user, passwords.ensure())
    if refusal is not None:
        return Step(problem=f"{_ask_administrator(user, passwords.place)} (the server says: {refusal})")
    return Step(changed=1, problem=_login_problem(user, readers.find(user).reads_views, readers, passwords))


def describe_datasource(site: GrafanaSite, readers: ReaderAccess, password: str | None) -> Datasource:
    """How Grafana reaches the database; without a password it takes it from its own environment."""
    server = readers.locate()
    return Datasource(
        uid=site.datasource_uid,
        address=site.database_address or server.host_and_port,
        database=server.database,
        user=site.reader_user,
        sslmode="require" if server.encrypted else "disable",
        postgres_major=server.major,
        password=password,
    )


def _login_problem(user: str, reads_views: bool, readers: ReaderAccess, passwords: PasswordStore) -> str | None:
    if not reads_views:
        return (
            f"login {user} may not read every view of schema grafana: GRANT ml_health_reader TO {user}, "
            "and run `ml-health db migrate` as the owner of the schema"
        )
    password = passwords.find()
    refusal = "no password is kept there" if password is None else readers.try_login(user, password)
    if refusal is None:
        return None
    return (
        f"login {user} does not accept the password of {passwords.place} ({refusal}): write its password into "
        f"that file (mode 0600), or drop the login and let this task create it"
    )


def _ask_administrator(user: str, place: str) -> str:
    return (
        f"login {user} is missing and may not be created by this user: an administrator runs "
        f'CREATE ROLE "{user}" LOGIN CONNECTION LIMIT 10 IN ROLE ml_health_reader; '
        f"and gives it the password of {place} (\\password in psql)"
    )
