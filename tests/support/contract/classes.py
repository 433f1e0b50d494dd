"""Classes: what they are, their fields, their members."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from support.contract.annotations import Names, hints, same
from support.contract.callables import walk_function
from support.contract.finding import Finding, absent, compared
from support.contract.values import plain

_KINDS: dict[str, Callable[[type], bool]] = {
    "dataclass": dataclasses.is_dataclass,
    "exception": lambda found: issubclass(found, Exception),
    "enum": lambda found: issubclass(found, Enum),
    "pydantic model": lambda found: hasattr(found, "model_fields"),
    "class": inspect.isclass,
}
_LIMITS = {
    "ge": ("minimum",),
    "le": ("maximum",),
    "max_length": ("maxLength", "maxItems"),
    "min_length": ("minLength",),
}
_FACTORIES: dict[str, Any] = {"list": [], "dict": {}}


def walk_class(item: str, known: Mapping[str, Any], found: Any, names: Names) -> Iterator[Finding]:
    """The class, each field, each member."""
    members = known.get("members", {})
    if not inspect.isclass(found):
        yield absent(item, "class")
        yield from (absent(f"{item}.{each['name']}", "field") for each in known.get("fields", ()))
        for name, member in members.items():
            yield absent(f"{item}.{name}", member["kind"] if isinstance(member, dict) else "enum member")
        return
    bases = [base.__name__ for base in found.__mro__]
    yield compared(
        item,
        "class",
        ("kind", known["kind"], known["kind"] if _KINDS[known["kind"]](found) else "another"),
        ("missing bases", [], [base for base in known["bases"] if base not in bases]),
        ("order of fields", _order(known), _place_order(found, known)),
        ("number of public methods", *_number_of_methods(found, known)),
    )
    if known.get("fields"):
        yield from _fields(item, known["fields"], found, names)
    for name, member in members.items():
        yield from _member(f"{item}.{name}", member, found, name, names)
    for name in known.get("attributes", ()):
        there = hasattr(found, name) or f"self.{name} = " in inspect.getsource(found)
        yield Finding(f"{item}.{name}", "attribute") if there else absent(f"{item}.{name}", "attribute")


def _order(known: Mapping[str, Any]) -> list[str]:
    return [each["name"] for each in known.get("fields", ()) if each.get("init", True)]


def _place_order(found: type, known: Mapping[str, Any]) -> list[str]:
    """The fields that can be given by place, as many as were recorded; pydantic knows none."""
    if not dataclasses.is_dataclass(found):
        return _order(known)
    ours = [each.name for each in dataclasses.fields(found) if each.init and not each.kw_only]
    return ours[: len(_order(known))]


def _number_of_methods(found: type, known: Mapping[str, Any]) -> tuple[int, int]:
    wanted = known.get("public_method_count")
    if wanted is None:
        return 0, 0
    methods = [
        name for name in known["members"] if not name.startswith("_") and inspect.isroutine(getattr(found, name, 0))
    ]
    return wanted, len(methods)


def _fields(item: str, facts: list[dict[str, Any]], found: type, names: Names) -> Iterator[Finding]:
    types = hints(found, names)
    look = _dataclass_field if dataclasses.is_dataclass(found) else _model_field
    for fact in facts:
        name, meant = fact["name"], fact["annotation"]
        if name not in types:
            yield absent(f"{item}.{name}", "field")
            continue
        fits = same(meant, types[name], names)
        yield compared(
            f"{item}.{name}", "field", ("type", meant, meant if fits else types[name]), *look(found, name, fact)
        )


def _dataclass_field(found: type, name: str, fact: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    (field,) = (each for each in dataclasses.fields(found) if each.name == name)
    factory = None if field.default_factory is dataclasses.MISSING else field.default_factory
    given = field.default is not dataclasses.MISSING
    yield "in the call", fact.get("init", True), field.init
    yield "required", fact.get("required", False), factory is None and not given
    if "default" in fact:
        yield "default", fact["default"], plain(field.default) if given else "made for each"
    if "default_factory" in fact:
        yield "made for each", True, factory is not None
        if factory is not None and not isinstance(_made(fact), str):
            yield "default", _made(fact), plain(factory())


def _model_field(found: Any, name: str, fact: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    field, schema = found.model_fields[name], found.model_json_schema()["properties"][name]
    yield "required", fact.get("required", False), field.is_required()
    yield (
        "default",
        _made(fact),
        plain(field.get_default(call_default_factory=True)) if not field.is_required() else None,
    )
    branches = [schema, *schema.get("anyOf", ())]
    for limit, keys in {**_LIMITS, "pattern": ("pattern",)}.items():
        values = [branch[key] for branch in branches for key in keys if key in branch]
        yield limit, fact.get(limit), values[0] if values else None


def _made(fact: Mapping[str, Any]) -> Any:
    """The recorded default; text about it stays text."""
    factory = fact.get("default_factory")
    if factory is None:
        return fact.get("default")
    return _FACTORIES.get(factory, factory) if isinstance(factory, str) else factory


def _member(item: str, known: Any, found: type, name: str, names: Names) -> Iterator[Finding]:
    if not isinstance(known, dict):
        member = getattr(found, name, None)
        yield (
            absent(item, "enum member")
            if member is None
            else compared(item, "enum member", ("value", known, plain(member)))
        )
        return
    kind = known["kind"]
    member = inspect.getattr_static(found, name, None)
    if kind == "property":
        yield _property(item, known, member, names)
    elif kind == "class attribute":
        yield absent(item, kind) if member is None else compared(item, kind, ("value", known["value"], plain(member)))
    else:
        is_kind = {"classmethod": classmethod, "staticmethod": staticmethod}.get(kind)
        if member is not None and is_kind is not None and not isinstance(member, is_kind):
            yield Finding(item, kind, f"is no {kind}")
        yield from walk_function(item, kind, known, member, names, owner=found)


def _property(item: str, known: Mapping[str, Any], member: Any, names: Names) -> Finding:
    getter = member.func if isinstance(member, functools.cached_property) else getattr(member, "fget", None)
    if getter is None:
        return absent(item, "property")
    result = hints(inspect.unwrap(getter), names).get("return")
    return Finding(
        item, "property", "" if same(known["returns"], result, names) else f"is {result}, was {known['returns']}"
    )
