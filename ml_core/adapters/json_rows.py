"""Many rows as one JSON parameter: a batch of any size is one statement."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID


def to_json_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """The text for jsonb_to_recordset; JSON knows no NaN or infinity, so they become null."""
    return json.dumps([_plain(row) for row in rows], allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        # PostgreSQL's text cannot hold NUL, which an exception's words may.
        return value.replace("\x00", "")
    return str(value) if isinstance(value, UUID) else value
