"""Compilation of a function that has to look at readings one by one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache

Function = TypeVar("Function", bound=Callable[..., Any])

logger = logging.getLogger(__name__)


class _SpareCache(FunctionCache):
    """Machine code on disk that may be damaged, or have no room: then it is made anew, and nothing stops."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is kept for that signature, or None."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception as exc:  # noqa: BLE001 - a file cut off by a power cut unpickles to any surprise
            logger.warning("compiled code in %s cannot be read and is made anew: %r", self.cache_path, exc)
            self._try(self.flush)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep it, if it can be kept."""
        self._try(super().save_overload, sig, data)

    def _try(self, step: Callable[..., None], *given: Any) -> None:
        try:
            step(*given)
        except Exception as exc:  # noqa: BLE001 - whoever cannot write compiles once a process
            logger.warning("compiled code cannot be kept in %s: %r", self.cache_path, exc)


def compiled(function: Function) -> Function:
    """Machine code of `function`, kept on disk where a folder for it can be written, else made anew a process."""
    code: Any = numba.njit(nogil=True)(function)
    try:
        code._cache = _SpareCache(function)  # type: ignore[no-untyped-call]
    except (RuntimeError, OSError):  # numba finds no folder to write to
        logger.debug("no folder for compiled code")
    answer: Function = code
    return answer
