"""Values as JSON that PostgreSQL takes; many rows as one parameter, so that a batch of any size is one statement."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import numpy as np

from ml_core.adapters.postgres.text import clean_text


def to_json_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """The text for jsonb_to_recordset."""
    return to_json(list(rows))


def to_json(value: Any) -> str:
    """The text of a jsonb parameter; JSON knows no NaN or infinity, so they become null."""
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {clean_text(str(name)): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    return value.isoformat() if isinstance(value, datetime) else clean_text(str(value))
