"""What a failed check says: one sentence that tells what the contract asks, and what was found instead.

The checks use no `assert`: nothing rewrites those of an installed module, and `python -O` leaves them out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, NoReturn, TypeVar, cast

Check = TypeVar("Check", bound=Callable[..., Any])

_LONGEST = 300


class ContractError(AssertionError):
    """A check failed: what the contract asks, and what was found instead."""


class FoundError(Exception):
    """What was found instead of what the contract asks; `contract` puts the sentence before it."""


class contract(AbstractContextManager[None]):  # noqa: N801  # reads as a word before a check
    """Names what the contract asks, for all that goes wrong inside: a finding, or any error of the back end.

    Around a whole check it is a decorator, around a part of one a context; the innermost speaks.

    Args:
        sentence: goes on from "the contract asks that", without a full stop.

    Raises:
        ContractError: something inside went wrong; what a test raises on purpose (a skip) passes.
    """

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def __call__(self, check: Check) -> Check:
        @functools.wraps(check)
        def checked(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True  # pytest shows the line of the check instead
            with self:
                return check(*args, **kwargs)

        checked.__doc__ = f"The contract asks that {self.sentence}."
        return cast(Check, checked)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if error is None or not isinstance(error, Exception) or isinstance(error, ContractError):
            return
        is_finding = isinstance(error, FoundError)
        found = str(error) if is_finding else f"{type(error).__name__}: {error}"
        cause = error.__cause__ if is_finding else error
        told = ContractError(f"the contract asks that {self.sentence}; found: {found}")
        raise told.with_traceback(traceback) from cause


def broken(found: str, cause: BaseException | None = None) -> NoReturn:
    """End a check: this was found instead of what the contract asks.

    Raises:
        FoundError: always.
    """
    __tracebackhide__ = True
    raise FoundError(found) from cause


def holds(condition: object, found: str) -> None:
    """Go on if a condition holds.

    Args:
        condition: is true when the contract is kept.
        found: says what was found if it is not.

    Raises:
        FoundError: it does not hold.
    """
    __tracebackhide__ = True
    if not condition:
        raise FoundError(found)


def same(found: object, wanted: object, what: str) -> None:
    """Go on if two values are equal and of one type, all the way down.

    Args:
        found: what the back end gave.
        wanted: what it had to give.
        what: names the value in the message.

    Raises:
        FoundError: they differ.
    """
    __tracebackhide__ = True
    if _typed(found) != _typed(wanted):
        raise FoundError(f"{what} is {shown(found)} instead of {shown(wanted)}")


def shown(value: object) -> str:
    """A value as a message shows it: its literal form, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _typed(value: object) -> object:
    """A value with its types, so that 1, 1.0 and True differ, and 0.0 from -0.0."""
    if isinstance(value, dict):
        return dict, [(_typed(key), _typed(each)) for key, each in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [_typed(each) for each in value]
    return type(value), repr(value) if isinstance(value, float) else value
