"""The judge itself: what GitHub's description refuses is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from tests.contract.github_description import load_description
from tests.contract.github_server import GitHubServer

ISSUES = "/repos/acme/plant/issues"
DESCRIPTION = Path(__file__).with_name("github_openapi.json")


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "wrong"),
    [
        ("POST", ISSUES, {}, {"title": "t", "colour": "red"}, "unknown field colour"),
        ("POST", ISSUES, {}, {"body": "b"}, "'title' is a required property"),
        ("POST", ISSUES, {}, {"title": "t", "labels": "ml-health"}, "is not of type 'array'"),
        ("PATCH", f"{ISSUES}/1", {}, {"state": "shut"}, "is not one of"),
        ("PATCH", f"{ISSUES}/1", {}, {"state_reason": "bored"}, "is not one of"),
        ("POST", f"{ISSUES}/1/comments", {}, {"text": "t"}, "'body' is a required property"),
        ("POST", f"{ISSUES}/1/comments", {}, None, "needs a JSON object"),
        ("GET", ISSUES, {"state": ["shut"]}, None, "is not one of"),
        ("GET", ISSUES, {"per_page": ["101"]}, None, "must be 1 to 100"),
        ("GET", ISSUES, {"colour": ["red"]}, None, "unknown parameter colour"),
        ("GET", ISSUES, {"state": ["all", "open"]}, None, "given 2 times"),
        ("GET", ISSUES, {}, {"state": "all"}, "takes no body"),
        ("PUT", f"{ISSUES}/1", {}, {}, "is not described"),
    ],
)
def test_a_wrong_request_is_noticed(
    method: str, path: str, query: dict[str, list[str]], body: object, wrong: str
) -> None:
    """Unknown paths, fields and parameters, missing ones and wrong values are each told."""
    told = list(load_description().check_request(method, path, query, body))

    assert wrong in "; ".join(told)


def test_a_right_request_passes() -> None:
    """What GitHub's description allows is not held against us."""
    body = {"title": "t", "body": "b", "labels": ["ml-health"], "assignees": ["ann"]}

    assert list(load_description().check_request("POST", ISSUES, {}, body)) == []


def test_a_wrong_answer_of_the_stand_in_is_noticed() -> None:
    """The local GitHub may not answer what the real one would not."""
    description = load_description()

    assert "is a required property" in "; ".join(description.check_response("GET", f"{ISSUES}/1", 200, {}))
    assert list(description.check_response("POST", ISSUES, 418, {})) == []
    assert list(description.check_response("POST", ISSUES, 200, {})) == [
        "answer 200 to POST /repos/{owner}/{repo}/issues is not described"
    ]


def test_the_server_records_and_refuses_what_breaks_the_description() -> None:
    """A request with an unknown field is answered 422 and kept as a violation."""
    with GitHubServer() as server:
        headers = {"Authorization": f"token {server.token}", "User-Agent": "test"}
        answer = requests.post(server.url + ISSUES, json={"title": "t", "colour": "red"}, headers=headers, timeout=5)

    assert answer.status_code == 422
    assert server.violations == ["POST /repos/{owner}/{repo}/issues: unknown field colour"]


def test_the_description_names_its_source_and_holds_no_prose() -> None:
    """Where it comes from is recorded; it stays small."""
    content = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    source = content["x-source"]

    assert (source["package"], source["licence"]) == ("@octokit/openapi", "MIT")
    assert source["version"]
    assert source["licence_text"].startswith("MIT License Copyright")
    assert DESCRIPTION.stat().st_size < 250_000
    assert '"summary"' not in DESCRIPTION.read_text(encoding="utf-8")
