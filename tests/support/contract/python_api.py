"""`python_api.json` walked: every module with everything public in it."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from support.contract.annotations import Names
from support.contract.callables import walk_function
from support.contract.classes import walk_class
from support.contract.finding import Finding, absent, compared, facts
from support.contract.values import describe

API: dict[str, Any] = facts("python_api_full.json")
MODULES: dict[str, Any] = API["modules"] | API["other_modules"]
PLACES = {
    name: module
    for module, known in reversed(MODULES.items())
    for name in [*known.get("classes", {}), *known.get("literals", {})]
}


def walk() -> Iterator[Finding]:
    """Everything that Rekall 0.3 let a program import."""
    for name, known in MODULES.items():
        yield from _Walk(name, known).findings()


class _Walk:
    def __init__(self, name: str, known: Mapping[str, Any]) -> None:
        self.name = name
        self.known = known
        self.module = _find(name)
        own = dict.fromkeys([*known.get("classes", ()), *known.get("literals", ())], name)
        self.names = Names(vars(self.module) if self.module else {}, PLACES | own)

    def findings(self) -> Iterator[Finding]:
        yield Finding(self.name, "module") if self.module else absent(self.name, "module")
        known = self.known
        for name, facts_of in known.get("classes", {}).items():
            yield from walk_class(f"{self.name}.{name}", facts_of, self._get(name), self.names)
        for name, facts_of in known.get("functions", {}).items():
            yield from walk_function(f"{self.name}.{name}", "function", facts_of, self._get(name), self.names)
        for name, value in known.get("constants", {}).items():
            yield self._value(name, "constant", partial(describe, value))
        for name in known.get("string_constants_without_value", ()):
            yield self._value(name, "constant", lambda found: ("str", type(found).__name__))
        for name, values in known.get("literals", {}).items():
            yield self._value(name, "literal", partial(_arguments, values))
        yield from self._exported()

    def _exported(self) -> Iterator[Finding]:
        """Names that come from another module: the same object, if that module has it."""
        origins = dict(line.split(" from ") for line in self.known.get("reexports", ()))
        own = {name for kind in ("classes", "functions", "constants") for name in self.known.get(kind, ())}
        for name in dict.fromkeys([*origins, *self.known.get("__all__", ())]):
            if name in own:
                continue
            origin = getattr(_find(origins.get(name, self.name)), name, None)
            yield self._value(name, "re-export", partial(_identical, origin))

    def _get(self, name: str) -> Any:
        return getattr(self.module, name, None)

    def _value(self, name: str, kind: str, look: Callable[[Any], tuple[Any, Any]]) -> Finding:
        item = f"{self.name}.{name}"
        if not hasattr(self.module, name):
            return absent(item, kind)
        return compared(item, kind, ("value", *look(self._get(name))))


def _arguments(known: list[str], found: Any) -> tuple[list[str], list[Any]]:
    return known, list(typing.get_args(found))


def _identical(origin: Any, found: Any) -> tuple[bool, bool]:
    return True, origin is None or found is origin


def _find(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name is not None and f"{name}.".startswith(f"{exc.name}."):
            return None
        raise
