"""Compilation of a function that has to look at readings one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Machine code of `function`, kept on disk where a folder for it can be written, else made anew a process."""
    try:
        code: Any = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba finds no folder to write to
        code = numba.njit(nogil=True)(function)
    answer: Function = code
    return answer
