"""Modules, functions, classes and constants: read from the source by griffe, so that nothing runs and nothing differs.

griffe comes with FastMCP, which takes the descriptions of tools out of docstrings with it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import griffe
from griffe import Alias, Attribute, Class, Expr, ExprBinOp, ExprName, ExprSubscript, Function, Object

from api_surface.classes import class_lines
from api_surface.lines import Line
from api_surface.modules import MODULES, VALUES
from api_surface.signatures import kind_of, signature, text_of


class PythonNames:
    """The public names of the package in a folder.

    Args:
        folder: holds the package `rekall`.
        modules: which modules are public, as `MODULES`.

    Raises:
        ValueError: a module or a name that is said to be public is not there.
    """

    def __init__(self, folder: Path, modules: Mapping[str, tuple[str, ...]] = MODULES) -> None:
        package = griffe.load("rekall", search_paths=[folder], allow_inspection=False)
        self._modules = {name: _module(package, name) for name in modules}
        self._exported = {name: tuple(_exported(self._modules[name], modules[name])) for name in modules}
        self.places: dict[str, str] = {}
        """Where a thing is described, by the path at which it is defined."""
        for name, names in self._exported.items():
            for each in names:
                path = _member(self._modules[name], each).path
                self.places.setdefault(path, path if self._is_exported(path) else f"{name}.{each}")

    def lines(self) -> Iterator[Line]:
        """Every public name with what it is."""
        for name, names in self._exported.items():
            yield Line(name, "module")
            for each in names:
                yield from self._name(f"{name}.{each}", _member(self._modules[name], each))

    def _is_exported(self, path: str) -> bool:
        module, _, name = path.rpartition(".")
        return name in self._exported.get(module, ())

    def _name(self, item: str, thing: Object) -> Iterable[Line]:
        place = self.places[thing.path]
        if place != item:
            return [Line(item, "name of", place)]
        if isinstance(thing, Class):
            return class_lines(item, thing, self.places)
        if isinstance(thing, Function):
            return [Line(item, kind_of(thing, method=False), signature(thing, method=False))]
        value = thing.value if isinstance(thing, Attribute) else None
        if isinstance(value, ExprName) and value.canonical_path in self.places:
            return [Line(item, "name of", self.places[value.canonical_path])]
        return [_constant(item, thing)]


def _module(package: Object | Alias, name: str) -> Object:
    found = package
    for part in name.split(".")[1:]:
        if part not in found.members:
            raise ValueError(f"{name} is not there: take it out of tools/api_surface/modules.py")
        found = found.members[part]
    return _final(found)


def _exported(module: Object, chosen: tuple[str, ...]) -> Iterable[str]:
    if chosen:
        return chosen
    if module.exports is not None:
        return [str(name) for name in module.exports]
    return [
        name
        for name, member in module.members.items()
        if not name.startswith("_") and not member.is_alias and not member.is_module
    ]


def _member(module: Object, name: str) -> Object:
    """What a name of a module stands for; an import takes the place of a submodule of the same name."""
    if name not in module.members:
        table = "tools/api_surface/modules.py"
        raise ValueError(f"{module.path}.{name} is not there: take it out of the __all__ of the module, or of {table}")
    found = module.members[name]
    if found.is_module and name in module.imports:
        found = module.modules_collection.get_member(module.imports[name])
    return _final(found)


def _final(member: Object | Alias) -> Object:
    return member.final_target if isinstance(member, Alias) else member


def _constant(item: str, thing: Object) -> Line:
    if not isinstance(thing, Attribute):
        raise TypeError(f"a snapshot has no word for {item}, a {thing.kind.value}")
    annotation = text_of(thing.annotation)
    if annotation == "TypeAlias" or (not annotation and _is_type(thing.value)):
        return Line(item, "type", text_of(thing.value))
    module, _, name = item.rpartition(".")
    value = getattr(importlib.import_module(module), name)
    facts = annotation or type(value).__name__
    return Line(item, "constant", f"{facts} = {value!r}" if item in VALUES else facts)


def _is_type(value: str | Expr | None) -> bool:
    return isinstance(value, (ExprBinOp, ExprSubscript)) and str(value).startswith(("Literal[", "Callable["))
