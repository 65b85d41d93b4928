"""Issues filed by an app instead of a person's token, and on a GitHub Enterprise Server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from ml_core.adapters.issues.github_account import GitHubApp
from ml_core.adapters.issues.github_issues import GitHubIssues
from ml_core.domain.incidents.issue import IssueDraft, IssueStatus
from ml_core.errors import ConfigurationError, TrackerRefusedError
from tests.contract.github_app import InstalledApp
from tests.contract.github_server import GitHubServer

DRAFT = IssueDraft(title="pump-7 is stuck", body="Since 3 h.", labels=("severity:warning",), fingerprint="a1" * 32)


@pytest.fixture
def app(github: GitHubServer) -> InstalledApp:
    """An app that is installed in the repository."""
    github.app = InstalledApp()
    github.state.own_login, github.state.own_kind = "ml-health[bot]", "Bot"
    return github.app


@pytest.fixture
def account(app: InstalledApp) -> GitHubApp:
    """What its owner sets."""
    return GitHubApp(app_id=app.app_id, installation_id=app.installation_id, private_key=app.private_key)


@pytest.fixture
def by_app(github: GitHubServer, account: GitHubApp) -> Iterator[GitHubIssues]:
    """Our adapter, speaking as the app."""
    with closing(GitHubIssues("acme/plant", account, base_url=github.url, write_gap_s=0.0, timeout_s=1)) as adapter:
        yield adapter


def test_an_app_files_comments_and_closes(by_app: GitHubIssues, github: GitHubServer, app: InstalledApp) -> None:
    """One token of an hour serves all calls; its own deeds are no person's."""
    ref = by_app.open(DRAFT)
    by_app.comment(ref, "still", "m:1")
    by_app.set_status(ref, IssueStatus.COMPLETED)

    state = by_app.state(ref)
    assert (state.status, state.person_took_part) == (IssueStatus.COMPLETED, False)
    assert len(app.issued) == 1
    assert github.state.issues[1]["user"]["login"] == "ml-health[bot]"


def test_a_token_that_runs_out_is_renewed(by_app: GitHubIssues, app: InstalledApp) -> None:
    """No call is made with a token of yesterday."""
    app.lifetime = timedelta(seconds=5)
    ref = by_app.open(DRAFT)
    by_app.comment(ref, "still", "m:1")

    assert len(app.issued) > 1


def test_a_foreign_key_is_refused_and_shows_nowhere(
    github: GitHubServer, account: GitHubApp, app: InstalledApp
) -> None:
    """GitHub's refusal says what to do; neither key nor token is in any text."""
    foreign = replace(account, app_id=78)
    with closing(GitHubIssues("acme/plant", foreign, base_url=github.url, timeout_s=1)) as adapter:
        with pytest.raises(TrackerRefusedError, match="401") as caught:
            adapter.open(DRAFT)
        told = repr(adapter) + repr(foreign) + str(caught.value)

    assert "PRIVATE KEY" not in told
    assert app.issued == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"private_key": "no key"}, "app_key_path"),
        ({"private_key": ""}, "app_key_path"),
        ({"installation_id": 0}, "installation_id"),
        ({"app_id": -1}, "app_id"),
    ],
)
def test_bad_accounts_are_refused_before_any_call(account: GitHubApp, changes: dict[str, object], named: str) -> None:
    """By the name of the setting."""
    with pytest.raises(ConfigurationError, match=named):
        GitHubIssues("acme/plant", replace(account, **changes))  # type: ignore[arg-type]


def test_issues_are_filed_on_an_enterprise_server() -> None:
    """Its API begins under a path of its own."""
    with GitHubServer(root="/api/v3") as server:
        with closing(
            GitHubIssues("acme/plant", server.token, base_url=server.url, write_gap_s=0.0, timeout_s=1)
        ) as adapter:
            ref = adapter.open(DRAFT)
            adapter.update(ref, replace(DRAFT, body="Since 4 h."))
            assert adapter.find(DRAFT.fingerprint) == ref
            assert adapter.state(ref).status is IssueStatus.OPEN

        assert server.violations == []
        assert all(seen.path.startswith("/api/v3/") for seen in server.requests)
