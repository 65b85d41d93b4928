"""GitHub's own OpenAPI description as a judge of what is sent to it and of what our stand-in answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

_FILE = Path(__file__).with_name("github_openapi.json")
_BASE = "urn:github"
_FIXED_LIMITS = {"per_page": (1, 100), "page": (1, 10_000)}
"""Bounds that GitHub states in prose only."""


class Description:
    """Checks requests and answers; every deviation is one sentence."""

    def __init__(self) -> None:
        self._content = _admit_null(json.loads(_FILE.read_text(encoding="utf-8")))
        resource = Resource(contents=self._content, specification=DRAFT4)
        self._registry = Registry().with_resource(_BASE, resource)
        self._paths = [(path, _compile_path(path)) for path in self._content["paths"]]

    def find_path(self, path: str) -> str | None:
        """Return the template that describes the path, if one does."""
        return next((template for template, pattern in self._paths if pattern.fullmatch(path)), None)

    def check_request(self, method: str, path: str, query: dict[str, list[str]], body: object) -> Iterator[str]:
        """Yield what is wrong with a request: unknown paths, parameters and fields, wrong types."""
        template = self.find_path(path)
        operation = self._content["paths"].get(template, {}).get(method.lower())
        if operation is None:
            yield f"{method} {path} is not described"
            return
        yield from self._check_query(operation, query, f"{method} {template}")
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            if body is not None:
                yield f"{method} {template} takes no body"
            return
        pointer = _pointer("paths", template, method.lower(), "requestBody", "content", "application/json")
        if not isinstance(body, dict):
            yield f"{method} {template} needs a JSON object"
            return
        unknown = set(body) - set(content["application/json"]["schema"]["properties"])
        yield from (f"{method} {template}: unknown field {name}" for name in sorted(unknown))
        yield from self._validate(OAS30WriteValidator, f"{pointer}/schema", body, f"{method} {template}")

    def check_response(self, method: str, path: str, status: int, body: object) -> Iterator[str]:
        """Yield what is wrong with an answer."""
        template = self.find_path(path)
        operation = self._content["paths"].get(template, {}).get(method.lower(), {})
        response = operation.get("responses", {}).get(str(status))
        where = f"answer {status} to {method} {template}"
        if response is None:
            if status < 300:
                yield f"{where} is not described"
            return
        pointer = _pointer("paths", template, method.lower(), "responses", str(status))
        if "$ref" in response:
            pointer = response["$ref"]
            response = self._content["components"]["responses"][pointer.rsplit("/", 1)[-1]]
        if "application/json" in response.get("content", {}):
            pointer = f"{pointer}/{_pointer('content', 'application/json')[2:]}/schema"
            yield from self._validate(OAS30ReadValidator, pointer, body, where)

    def _check_query(self, operation: dict[str, Any], query: dict[str, list[str]], where: str) -> Iterator[str]:
        known = {}
        for parameter in operation.get("parameters", ()):
            name = parameter.get("$ref", "").rsplit("/", 1)[-1]
            facts = self._content["components"]["parameters"][name] if name else parameter
            if facts["in"] == "query":
                known[facts["name"]] = facts["schema"]
        for name, values in query.items():
            if name not in known:
                yield f"{where}: unknown parameter {name}"
            elif len(values) != 1:
                yield f"{where}: parameter {name} is given {len(values)} times"
            else:
                yield from self._check_parameter(name, values[0], known[name], where)

    def _check_parameter(self, name: str, value: str, schema: dict[str, Any], where: str) -> Iterator[str]:
        found: object = int(value) if schema.get("type") == "integer" and value.isdigit() else value
        validator = OAS30WriteValidator(schema, registry=self._registry, format_checker=oas30_format_checker)
        yield from (f"{where}: parameter {name}: {error.message}" for error in validator.iter_errors(found))
        low, high = _FIXED_LIMITS.get(name, (None, None))
        if low is not None and isinstance(found, int) and not low <= found <= high:
            yield f"{where}: parameter {name} must be {low} to {high}, got {found}"

    def _validate(self, validator_class: Any, pointer: str, value: object, where: str) -> Iterator[str]:
        schema = {"$ref": f"{_BASE}{pointer}"}
        validator = validator_class(schema, registry=self._registry, format_checker=oas30_format_checker)
        for error in validator.iter_errors(value):
            yield f"{where}: {'/'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:300]}"


@cache
def load_description() -> Description:
    """Return the description, read once."""
    return Description()


def _admit_null(node: Any) -> Any:
    """Return the description with null among the values of a nullable enumeration, as GitHub means it."""
    if isinstance(node, list):
        return [_admit_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _admit_null(value) for key, value in node.items()}
    if found.get("nullable") is True and None not in found.get("enum", [None]):
        found["enum"] = [*found["enum"], None]
    return found


def _compile_path(template: str) -> re.Pattern[str]:
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in _parts(template)))


def _parts(template: str) -> list[str]:
    return re.split(r"(\{\w+\})", template)


def _pointer(*parts: str) -> str:
    return "#/" + "/".join(
        part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D") for part in parts
    )
