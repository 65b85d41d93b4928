"""Cut GitHub's own OpenAPI description down to the calls that issue filing makes.

Run it by hand when GitHub's interface changes; the result is committed:

    npm pack @octokit/openapi@VERSION
    python tests/contract/make_github_openapi.py octokit-openapi-VERSION.tgz

Prose, examples and links are dropped, so that only facts of the interface stay.
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).with_name("github_openapi.json")
DESCRIPTION = "package/generated/api.github.com.json"
REPOSITORY = "/repos/{owner}/{repo}"
KEPT: dict[str, tuple[str, ...]] = {
    "/user": ("get",),
    "/app/installations/{installation_id}/access_tokens": ("post",),
    "/search/issues": ("get",),
    REPOSITORY: ("get",),
    f"{REPOSITORY}/labels": ("get", "post"),
    f"{REPOSITORY}/labels/{{name}}": ("get",),
    f"{REPOSITORY}/issues": ("get", "post"),
    f"{REPOSITORY}/issues/{{issue_number}}": ("get", "patch"),
    f"{REPOSITORY}/issues/{{issue_number}}/comments": ("get", "post"),
    f"{REPOSITORY}/issues/{{issue_number}}/events": ("get",),
}
PROSE = frozenset({"description", "summary", "title", "example", "examples", "externalDocs", "tags", "deprecated"})
NAMED = frozenset({"properties", "patternProperties", "schemas", "parameters", "responses", "headers"})
"""Keys whose children are names chosen by GitHub, so that a property called `title` is no prose."""


def strip_prose(node: Any, *, names: bool = False) -> Any:
    """Return the node without prose and vendor extensions; `names` says that its keys are names."""
    if isinstance(node, list):
        return [strip_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: strip_prose(value, names=key in NAMED and not names)
        for key, value in node.items()
        if names or not (key in PROSE or key.startswith("x-"))
    }


def find_references(node: Any) -> Iterator[str]:
    """Yield every `$ref` below the node."""
    if isinstance(node, list):
        for item in node:
            yield from find_references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from find_references(value)


def cut(description: dict[str, Any]) -> dict[str, Any]:
    """Return the kept paths and every component that they reach."""
    paths = {
        path: {method: strip_prose(description["paths"][path][method]) for method in methods}
        for path, methods in KEPT.items()
    }
    components: dict[str, dict[str, Any]] = {}
    waiting = list(find_references(paths))
    while waiting:
        _, _, kind, name = waiting.pop().split("/", 3)
        if name not in components.setdefault(kind, {}):
            components[kind][name] = strip_prose(description["components"][kind][name])
            waiting.extend(find_references(components[kind][name]))
    return {"paths": paths, "components": components}


def main(tarball: str) -> None:
    """Write the cut of the description inside of the npm package's tarball."""
    with tarfile.open(tarball) as archive:

        def read(name: str) -> bytes:
            member = archive.extractfile(name)
            assert member is not None, f"{tarball} holds no {name}"
            return member.read()

        package, description = json.loads(read("package/package.json")), json.loads(read(DESCRIPTION))
        licence_text = " ".join(read("package/LICENSE").decode().split())
    header = {
        "package": package["name"],
        "version": package["version"],
        "licence": package["license"],
        "licence_text": licence_text,
        "file": DESCRIPTION,
        "made_by": "tests/contract/make_github_openapi.py",
    }
    result = {"x-source": header, "openapi": description["openapi"], **cut(description)}
    OUTPUT.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
