"""Rows as one JSON parameter."""

import json
from datetime import UTC, datetime
from uuid import UUID

from ml_core.adapters.postgres.json_rows import to_json_rows
from ml_core.domain.checks.check import Verdict


def test_values_of_the_domain_become_plain_json() -> None:
    """Enums, identifiers and times are text; what JSON cannot say is null; NUL is left out."""
    row = {
        "verdict": Verdict.FAIL,
        "model_id": UUID(int=1),
        "at": datetime(2025, 1, 1, tzinfo=UTC),
        "value": float("nan"),
        "evidence": {"worst": float("inf"), "list": (1, 2.5, None, True), "text": "a\x00b"},
    }

    assert json.loads(to_json_rows([row])) == [
        {
            "verdict": "fail",
            "model_id": "00000000-0000-0000-0000-000000000001",
            "at": "2025-01-01T00:00:00+00:00",
            "value": None,
            "evidence": {"worst": None, "list": [1, 2.5, None, True], "text": "ab"},
        }
    ]
