"""The deprecation register, and how each kind of name in it warns.

The policy, how to deprecate a name of each kind, and what enforces it: docs/deprecation-policy.md. The rows are in
`deprecations.toml`, which ships with the package and is read at the first warning, never at start-up. Every function
here takes a register of its own as `rows`, for tests. Config keys, CLI options and MCP parameters have their tables of
older names where the newer ones are declared: `rekall.config_keys`, `rekall.cli.older_options`, `rekall.mcp.older`.
"""

from __future__ import annotations

import functools
import importlib
import sys
import warnings
from collections.abc import Callable, Mapping
from types import FrameType, ModuleType
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

KINDS = (
    "function",
    "method",
    "class",
    "attribute",  # a property, or a value that a module holds
    "parameter",
    "module",
    "config key",
    "CLI option",
    "MCP parameter",
    "interface",  # a version of the interface of back ends
)
"""What a row of the register may be about."""

_BETWEEN = ("rekall", "wrapt", "importlib", "abc", "functools", "typing", "types", "dataclasses")
"""Packages whose frames stand between a deprecated name and whoever has to change a line."""


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
        name: as a user writes it; docs/deprecation-policy.md says how names of each kind look.
        kind: one of `KINDS`.
        since: version from which it warns.
        removal: version that may drop it, two majors later at the earliest.
        replacement: what to use instead.
        target: `module:name` of what a name that moved stands for, or the module; empty for the others.
        value: what a constant that nothing uses any more stands for; None for the others.
    """

    name: str
    kind: str
    since: str
    removal: str
    replacement: str
    target: str = ""
    value: str | int | None = None


Rows = Mapping[str, Deprecation]
"""A register: its rows by name."""


@functools.cache
def register() -> dict[str, Deprecation]:
    """All rows of the register by name; read, with what reading needs, at the first warning and never at start-up."""
    from importlib import resources

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    text = resources.files("rekall").joinpath("deprecations.toml").read_text("utf-8")
    return {row["name"]: Deprecation(**row) for row in tomllib.loads(text).get("deprecated", ())}


def row_of(name: str, rows: Rows | None = None) -> Deprecation:
    """The row of a deprecated name.

    Args:
        name: as it stands in the register.
        rows: a register to look in instead of the one that ships.

    Raises:
        KeyError: the register has no row of that name.
    """
    return (register() if rows is None else rows)[name]


def warn_deprecated(name: str, *, rows: Rows | None = None) -> None:
    """Warn that `name` is deprecated, pointing at the line of the caller outside Rekall.

    Args:
        name: as it stands in the register.
        rows: a register to look in instead of the one that ships.

    Raises:
        KeyError: the register has no row of that name.
    """
    _warn(row_of(name, rows))


def warn_deprecated_at(row: Deprecation, filename: str, line: int, module: str) -> None:
    """Warn that something is deprecated whose place is known, and is not on the stack.

    Args:
        row: the deprecated name.
        filename: the file that has to change.
        line: its line, from 1.
        module: the module that filters of warnings are asked about.
    """
    warnings.warn_explicit(RekallDeprecationWarning(row), RekallDeprecationWarning, filename, line, module)


def _warn(row: Deprecation, importing: str = "") -> None:
    """Warn at the nearest frame that is none of ours and none of the module that is being imported."""
    frame: FrameType = sys._getframe(1)
    while frame.f_back is not None and _is_between(frame.f_globals.get("__name__", ""), importing):
        frame = frame.f_back
    # Not by `stacklevel`: `warnings.warn` counts the frames of an import or not, depending on where it is called.
    warnings.warn_explicit(
        RekallDeprecationWarning(row),
        RekallDeprecationWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__", "<unknown>"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _is_between(module: str, importing: str) -> bool:
    return module.partition(".")[0] in _BETWEEN or module == importing


def deprecated(name: str, *, rows: Rows | None = None) -> Callable[[F], F]:
    """Make a function or method warn at each call, and a class whenever it is instantiated or subclassed.

    It stands below `@property`, `@classmethod` and `@staticmethod`, and above `@dataclass`. An async function warns
    when it is called, not when it is awaited. Whoever subclasses a class that derives from the deprecated one, and
    whoever instantiates it, is not warned: they do not name it.

    Args:
        name: as it stands in the register.
        rows: a register to look in instead of the one that ships.
    """

    def decorate(function: F) -> F:
        if isinstance(function, type):
            _make_class_warn(function, name, rows)
            return function

        @functools.wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            _warn(row_of(name, rows))
            return function(*args, **kwargs)

        return warning  # type: ignore[return-value]  # same signature, kept by functools.wraps

    return decorate


def _make_class_warn(made: type[Any], name: str, rows: Rows | None) -> None:
    """Wrap `__init__` and `__init_subclass__` of a class, which stays the same object."""
    create: Any = made.__new__
    initialise: Any = made.__init__
    own = vars(made).get("__init_subclass__")

    @functools.wraps(initialise)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807  # takes the place of that method
        if type(self) is made:
            _warn(row_of(name, rows))
        if initialise is not object.__init__:
            initialise(self, *args, **kwargs)
        elif (args or kwargs) and create is object.__new__:  # which leaves the complaint to object.__init__
            raise TypeError(f"{made.__name__}() takes no arguments")

    def __init_subclass__(subclass: type[Any], /, **kwargs: Any) -> None:  # noqa: N807  # takes the place of that method
        if made in subclass.__bases__:
            _warn(row_of(name, rows))
        if own is None:
            super(made, subclass).__init_subclass__(**kwargs)
        else:
            own.__func__(subclass, **kwargs)

    made.__init__ = __init__
    made.__init_subclass__ = classmethod(__init_subclass__)  # type: ignore[assignment]  # what it is on the class


class _ModuleWithMovedNames(ModuleType):
    """A module that finds in the register the names which it no longer has; each warns."""

    def __getattr__(self, name: str) -> Any:
        # `from package import name` looks for a submodule in between asking for the name and taking it: that it asks
        # for `output` in `from rekall.cli import output` must not read the register, nor warn a first time
        asked = name.startswith("__") or sys._getframe(1).f_code.co_name == "_handle_fromlist"
        row = None if asked else register().get(f"{self.__name__}.{name}")
        if row is None or not (row.target or row.value is not None):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        _warn(row)
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


def moved_module(module: str, *, rows: Rows | None = None) -> None:
    """Stand at the older place of a module: whoever imports it is warned and gets the module at its newer place.

    As with modules that Python deprecates, the first import of a process warns. A package moves module by module.

    Args:
        module: its `__name__`, which has a row in the register whose `target` is the newer module.
        rows: a register to look in instead of the one that ships.

    Raises:
        TypeError: the target is a package, whose modules would be imported a second time under the older name.
    """
    row = row_of(module, rows)
    _warn(row, importing=module)
    target = importlib.import_module(row.target)
    if hasattr(target, "__path__"):
        raise TypeError(f"{row.target} is a package: its modules move one by one")
    sys.modules[module] = target
