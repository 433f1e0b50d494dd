"""Where an error that nobody foresaw came from, told without the values that its text may hold."""

from __future__ import annotations

import traceback

_DEEPEST = 10
"""Errors of a chain that are traced; a chain may lead back to its beginning."""


def place(error: BaseException) -> str:
    """The class of an error and where it was raised; its text may hold what somebody has stored, and is left out."""
    *_, last = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{type(error).__name__} in {last.name} ({last.filename}:{last.lineno})"


def trace(raised: BaseException) -> str:
    """The calls that led to an error, and to those behind it, without texts of errors, values or lines of code."""
    lines = []
    error: BaseException | None = raised
    for _ in range(_DEEPEST):
        if error is None:
            break
        lines.append(f"\n{type(error).__name__}, most recent call last:")
        for frame in traceback.extract_tb(error.__traceback__):
            lines.append(f'\n  File "{frame.filename}", line {frame.lineno}, in {frame.name}')
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(lines)
