"""Functions and methods: names, kinds, defaults and annotations of their parameters, and what they return."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from support.contract.annotations import Names, hints, same
from support.contract.finding import Finding, absent, compared
from support.contract.values import plain

_NOTHING = inspect.Parameter.empty
_BY_PLACE_AND_NAME = inspect.Parameter.POSITIONAL_OR_KEYWORD


def walk_function(
    item: str, kind: str, known: Mapping[str, Any], found: Any, names: Names, owner: type | None = None
) -> Iterator[Finding]:
    """The function, each of its parameters, and its result."""
    if found is None:
        yield absent(item, kind)
        for parameter in known["parameters"]:
            yield absent(f"{item}({parameter['name']})", "parameter")
        if known.get("returns") is not None:
            yield absent(f"{item} ->", "result")
        return
    function = inspect.unwrap(getattr(found, "__func__", found))
    parameters = dict(inspect.signature(function).parameters)
    if owner is not None and not isinstance(found, staticmethod):
        parameters.pop(next(iter(parameters)))
    wanted = [each["name"] for each in known["parameters"]]
    added = [name for name, each in parameters.items() if name not in wanted and _needed(each)]
    yield compared(
        item,
        kind,
        ("async", known.get("async", False), inspect.iscoroutinefunction(function)),
        ("abstract", known.get("abstract", False), getattr(found, "__isabstractmethod__", False)),
        ("further required parameters", [], added),
    )
    types = hints(function, names)
    for index, fact in enumerate(known["parameters"]):
        yield _parameter(f"{item}({fact['name']})", fact, index, parameters, types, names)
    if known.get("returns") is not None:
        fits = same(known["returns"], types.get("return", _NOTHING), names)
        yield Finding(f"{item} ->", "result", "" if fits else f"is {types.get('return')}, was {known['returns']}")


def _needed(parameter: inspect.Parameter) -> bool:
    variadic = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is _NOTHING and not variadic


def _parameter(
    item: str,
    fact: Mapping[str, Any],
    index: int,
    parameters: Mapping[str, inspect.Parameter],
    types: Mapping[str, Any],
    names: Names,
) -> Finding:
    name = fact["name"]
    if name not in parameters:
        return absent(item, "parameter")
    found = parameters[name]
    annotation = types.get(name, _NOTHING)
    meant = fact["annotation"]
    return compared(
        item,
        "parameter",
        ("place", index, list(parameters).index(name)),
        ("kind", _BY_PLACE_AND_NAME, found.kind),
        ("required", fact.get("required", False), found.default is _NOTHING),
        ("default", fact.get("default"), plain(None if found.default is _NOTHING else found.default)),
        ("type", meant, meant if same(meant, annotation, names) else annotation),
    )
