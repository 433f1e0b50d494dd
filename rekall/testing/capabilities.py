"""What a conformance class states of its back end: how it is made, what it can do, and what has to be installed."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import pytest

from rekall.infra.selection import PATH_PARAMETERS
from rekall.testing.contract import broken, contract

STRICT_VARIABLES = ("REKALL_CONFORMANCE_STRICT", "CI")
"""The environment variables that switch strict mode on or off; the first that is set decides."""


def is_strict() -> bool:
    """Whether what is missing fails a check; otherwise it skips it."""
    stated = next((value for value in map(os.environ.get, STRICT_VARIABLES) if value), "")
    return stated.lower() not in ("", "0", "false", "no", "off")


class Conformance:
    """The frame of a conformance class, which an author subclasses as `DatabaseConformance` or `CacheConformance`.

    Attributes:
        backend: the class, a function that makes one, or `"module:Class"`, which is imported when a check needs it.
        options: keywords for it, as `[backends.database_options]` in config.toml would give them.
        capabilities: what it can do beyond what every back end must, by the names in `known_capabilities`. What a flag
            leaves out is skipped with the reason.
        requires: modules that it needs. Without one of them the checks skip; in strict mode they fail.
        known_capabilities: what each flag says; set by the kit.
    """

    backend: ClassVar[Callable[..., Any] | str]
    options: ClassVar[Mapping[str, Any]] = {}
    capabilities: ClassVar[Collection[str]] = ()
    requires: ClassVar[Collection[str]] = ()
    known_capabilities: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Refuse a flag that does not exist, when the class is made.

        Raises:
            TypeError: it names the flag and those that exist.
        """
        super().__init_subclass__(**keywords)
        stated = (cls.capabilities,) if isinstance(cls.capabilities, str) else cls.capabilities
        unknown = sorted(set(stated).difference(cls.known_capabilities))
        if unknown:
            raise TypeError(
                f"{cls.__name__}.capabilities names {', '.join(map(repr, unknown))}, which the kit does not know;"
                f" known: {', '.join(sorted(cls.known_capabilities)) or 'none'}"
            )

    @pytest.fixture(autouse=True)
    def _what_it_requires(self) -> None:
        for module in self.requires:
            try:
                importlib.import_module(module)
            except ImportError as error:
                self.unavailable(f"the module {module} cannot be imported ({error})")

    @classmethod
    def implementation(cls) -> Callable[..., Any]:
        """The class or function that makes the back end.

        Raises:
            TypeError: the conformance class states none.
        """
        # read from the class: a function read from an instance would become a method of it
        stated = getattr(cls, "backend", None)
        if isinstance(stated, str):
            module, _, name = stated.partition(":")
            stated = getattr(importlib.import_module(module), name, None)
        if not callable(stated):
            raise TypeError(f"{cls.__name__} states no back end: set `backend` to its class, or to 'module:Class'")
        found: Callable[..., Any] = stated
        return found

    def make(self, folder: Path) -> Any:
        """A new back end, not connected; override it when `backend` and `options` do not do.

        Args:
            folder: where it may keep its files, empty at first. Two back ends made for one folder share what they hold,
                if the back end is `persistent`; two made for different folders share nothing.
        """
        implementation = self.implementation()
        arguments = dict(self.options)
        parameters = inspect.signature(implementation).parameters
        parameter = next((name for name in PATH_PARAMETERS["database"] if name in parameters), None)
        if parameter is not None:
            # the folder of a base is made by its back end
            arguments.setdefault(parameter, folder / "base" / "knowledge.db")
        return implementation(**arguments)

    def made(self, folder: Path) -> Any:
        """What `make` gives, with a message if it raises."""
        with contract("the constructor takes the options and, if it has such a parameter, path= and raises nothing"):
            return self.make(folder)

    def needs(self, flag: str) -> None:
        """Skip a check unless the class states a capability."""
        if flag not in self.capabilities:
            pytest.skip(
                f"not checked: {type(self).__name__}.capabilities does not state {flag!r}"
                f" ({self.known_capabilities[flag]})"
            )

    def unavailable(self, reason: str) -> NoReturn:
        """Skip because something is missing here; in strict mode fail. For a `make` that finds no server, too."""
        if is_strict():
            with contract("in strict mode nothing that the checks need is missing"):
                broken(reason)
        pytest.skip(f"not checked: {reason}")
