"""What contract tests share: a local GitHub that checks whatever is said to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ml_core.adapters.github_issues import GitHubIssues
from tests.contract.github_server import GitHubServer


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    """A local GitHub with one repository; whatever breaks GitHub's own description fails the test."""
    with GitHubServer() as server:
        yield server

    assert server.violations == []


@pytest.fixture
def tracker(github: GitHubServer) -> Iterator[GitHubIssues]:
    """Our adapter on the local GitHub, without pauses between writes."""
    adapter = GitHubIssues("acme/plant", github.token, base_url=github.url, write_gap_s=0.0, timeout_s=1)
    yield adapter
    adapter.close()
