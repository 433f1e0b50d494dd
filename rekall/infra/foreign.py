"""Errors of a back end that is not Rekall's own: they say what selected it, and none leaves it that is not Rekall's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from rekall.errors import BackendError, CacheError, CannotOpenError, DatabaseError, OutcomeUnknownError, RekallError
from rekall.infra.interfaces import CallGivenUp, Statement

_UNREACHABLE = (BackendError, DatabaseError, CacheError, CannotOpenError)
_ANSWERING = ("execute", "execute_batch", "fetch_all")
"""Methods that return something whatever happens; one without `return` would fail far from where it is wrong."""
_LONGEST = 300
"""Characters of another program's text that are worth showing."""


class Foreign(NamedTuple):
    """A back end of another author, as its errors tell of it.

    Args:
        kind: `database` or `cache`.
        name: the name that it is selected by.
        what: the back end with its distribution.
        setting: what selected it, as text for a person.
        secrets: values of its options that no message may show.
    """

    kind: str
    name: str
    what: str
    setting: str
    secrets: Collection[str] = ()

    def told(self, error: Exception) -> None:
        """Let the error of a call that is given up also say what selected the back end."""
        self.hide(error)
        if self.setting not in str(error):
            error.args = (f"{error} (the {self.kind} back end {self.name}, selected by {self.setting})",)

    def hide(self, error: Exception) -> None:
        """Take the secrets that the back end was given out of the text of an error."""
        text = str(error)
        if self.shown(text) != text:
            error.args = (self.shown(text),)

    def shown(self, text: str) -> str:
        """A text of the back end without the secrets that it was given."""
        from rekall.hiding import hide_values

        return hide_values(text, self.secrets)

    def guarded(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same method of the back end, raising nothing but errors of Rekall.

        Args:
            method: its name.
            call: the bound method.
        """

        @functools.wraps(call)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            # a list makes nothing up that could fail, and its back end may want to know that it is one
            made_up = method == "execute_batch" and args and type(args[0]) not in (list, tuple)
            if made_up:
                args = (_Statements(args[0]),)
            try:
                result = call(*args, **kwargs)
            except RekallError as error:
                self.hide(error)
                # not those that the store tells apart, such as a constraint's; a transient one if it is given up
                if type(error) in _UNREACHABLE or isinstance(error, OutcomeUnknownError):
                    self.told(error)
                raise
            except (KeyboardInterrupt, CallGivenUp):
                raise
            except BaseException as error:  # whatever the code of another distribution lets through
                if made_up and error is args[0].error:
                    raise
                raise self._breach(method, error) from error
            if result is None and method in _ANSWERING:
                raise self._breach(method, TypeError("it returned None"))
            return result

        return guarded

    def _breach(self, method: str, error: BaseException) -> BackendError:
        kind = DatabaseError if self.kind == "database" else CacheError
        return kind(
            f"{self.what} failed in {method}: {self.shown(described(error))} (selected by {self.setting}; "
            "no other errors than those of rekall.errors may leave a back end: tell its author)"
        )


class _Statements:
    """The statements of a batch, which come from Rekall: an error of theirs is not the back end's.

    Args:
        statements: as `execute_batch` takes them.
    """

    def __init__(self, statements: Iterable[Statement]) -> None:
        self.error: BaseException | None = None
        self._statements = statements

    def __iter__(self) -> Iterator[Statement]:
        try:
            yield from self._statements
        except BaseException as error:
            self.error = error
            raise


def described(error: BaseException) -> str:
    """The class of an exception and its text, on one line and not too long."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # its text is as broken as what it tells of
        return type(error).__name__
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} ..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
