"""Brings a Grafana to what it ought to hold, and tells how it differs; done twice, the second time changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from ml_core.ports.grafana_server import WITHHELD, GrafanaServer, Resource


@dataclass(frozen=True, kw_only=True)
class AppliedContent:
    """What was made, what was changed, and how many were current."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: int


def apply_content(resources: Sequence[Resource], server: GrafanaServer) -> AppliedContent:
    """Make or mend each resource in order; one that is current is not touched."""
    created: list[str] = []
    updated: list[str] = []
    for resource in resources:
        found = server.find(resource)
        if found is not None and is_current(resource, found):
            continue
        server.save(resource, exists=found is not None)
        (created if found is None else updated).append(str(resource))
    return AppliedContent(
        created=tuple(created), updated=tuple(updated), unchanged=len(resources) - len(created) - len(updated)
    )


def list_differences(resources: Sequence[Resource], server: GrafanaServer) -> Iterator[str]:
    """Lines of a unified diff from what Grafana has to what it ought to have; secrets are in neither."""
    for resource in resources:
        found = server.find(resource)
        if found is not None and is_current(resource, found):
            continue
        if found is not None and _is_there(resource.body, found):
            yield f"{resource}: what is not shown here (an address, a secret) differs\n"
        before = [] if found is None else _to_lines(_as_far_as_asked(resource.body, found))
        yield from unified_diff(
            before, _to_lines(resource.body), f"{resource} in Grafana", f"{resource} of this package"
        )


def is_current(resource: Resource, found: Mapping[str, Any]) -> bool:
    """Whether everything wanted is there; Grafana adds fields of its own, and gives some secrets back."""
    return _is_there(resource.body, found) and not _contradicts(resource.secrets, found)


def _is_there(wanted: Any, found: Any) -> bool:
    return bool(_as_far_as_asked(wanted, found) == wanted)


def _contradicts(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return any(_contradicts(part, found[name]) for name, part in wanted.items() if name in found)
    return found not in (wanted, WITHHELD)


def _as_far_as_asked(wanted: Any, found: Any) -> Any:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return {name: _as_far_as_asked(part, found[name]) for name, part in wanted.items() if name in found}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [_as_far_as_asked(part, other) for part, other in zip(wanted, found, strict=True)]
    return found


def _to_lines(body: Any) -> list[str]:
    return json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False).splitlines(keepends=True)
