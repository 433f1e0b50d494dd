"""The deprecation register: one decorator, one helper, and the rows they speak for.

Policy: strict semantic versioning. A name deprecated in major N warns throughout N and N+1 and may go in N+2 at the
earliest. Every deprecated name has its row in `deprecations.toml`, which ships with the package.
"""

from __future__ import annotations

import functools
import importlib
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class RekallDeprecationWarning(DeprecationWarning):
    """Carries the row of the register, so that a program can sort warnings by the version of removal."""

    def __init__(self, row: Deprecation) -> None:
        super().__init__(
            f"{row.name} is deprecated since Rekall {row.since} and goes in {row.removal}: use {row.replacement}"
        )
        self.row = row

    def __reduce__(self) -> tuple[type[RekallDeprecationWarning], tuple[Deprecation]]:
        """Copies and pickles, as test runs in several processes do, make it of its row again, not of its text."""
        return type(self), (self.row,)


class Deprecation(NamedTuple):
    """One deprecated name.

    Args:
        name: dotted name, as a user writes it.
        since: version from which it warns.
        removal: version that may drop it, two majors later at the earliest.
        replacement: what to use instead.
        target: `module:name` of what a name that moved stands for; empty for the others.
        value: what a constant that nothing uses any more stands for; None for the others.
    """

    name: str
    since: str
    removal: str
    replacement: str
    target: str = ""
    value: str | int | None = None


@functools.cache
def register() -> dict[str, Deprecation]:
    """All rows of the register by name; read, with what reading needs, at the first warning and never at start-up."""
    from importlib import resources

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    text = resources.files("rekall").joinpath("deprecations.toml").read_text("utf-8")
    return {row["name"]: Deprecation(**row) for row in tomllib.loads(text)["deprecated"]}


def warn_deprecated(name: str) -> None:
    """Warn that `name` is deprecated, pointing at the line of the caller outside Rekall.

    Raises:
        KeyError: the register has no row of that name.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(RekallDeprecationWarning(register()[name]), stacklevel=level)


def warn_deprecated_at(row: Deprecation, filename: str, line: int, module: str) -> None:
    """Warn that something is deprecated whose place is known, and is not on the stack.

    Args:
        row: the deprecated name.
        filename: the file that has to change.
        line: its line, from 1.
        module: the module that filters of warnings are asked about.
    """
    warnings.warn_explicit(RekallDeprecationWarning(row), RekallDeprecationWarning, filename, line, module)


def deprecated(name: str) -> Callable[[F], F]:
    """Make a function or method warn at each call, as the register's row `name` says."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            warn_deprecated(name)
            return function(*args, **kwargs)

        return warning  # type: ignore[return-value]  # same signature, kept by functools.wraps

    return decorate


class _ModuleWithMovedNames(ModuleType):
    """A module that finds in the register the names which it no longer has; each warns."""

    def __getattr__(self, name: str) -> Any:
        row = None if name.startswith("__") else register().get(f"{self.__name__}.{name}")
        if row is None or not (row.target or row.value is not None):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        warn_deprecated(row.name)
        if row.value is not None:
            return row.value
        module, _, attribute = row.target.partition(":")
        return getattr(importlib.import_module(module), attribute)


def moved_names(module: str) -> None:
    """Let a module answer for names of Rekall 0.3 that are elsewhere now, each with its row in the register.

    Args:
        module: its `__name__`; a row `<module>.<name>` with a `target` or a `value` gives each name.
    """
    sys.modules[module].__class__ = _ModuleWithMovedNames


def _inside(module: str) -> bool:
    return module.partition(".")[0] in ("rekall", "wrapt", "importlib")
