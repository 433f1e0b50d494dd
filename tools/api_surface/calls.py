"""Two signatures of one function: what a caller of the older one would meet at the newer one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from api_surface.annotations import narrowed, widened
from api_surface.difference import Difference, added, breaking, look


class _Parameter(NamedTuple):
    name: str
    by_place: bool
    by_name: bool
    default: str | None
    annotation: str


class _Call(NamedTuple):
    parameters: dict[str, _Parameter]
    places: bool
    names: bool
    returns: str

    @property
    def placed(self) -> list[str]:
        return [name for name, parameter in self.parameters.items() if parameter.by_place]


def compare_calls(old: str, new: str, *, implemented: bool = False) -> Iterator[Difference]:
    """The differences between two signatures.

    Args:
        old: such as `(entry: Entry, *, limit: int = 10) -> str`.
        new: the same of the newer one.
        implemented: others write this method and Rekall calls it, so that they have to take whatever it passes.
    """
    before, after = _call(old), _call(new)
    for name, parameter in before.parameters.items():
        yield from _parameter(parameter, after.parameters.get(name), after)
    yield from _order(before, after)
    for name, parameter in after.parameters.items():
        if name in before.parameters:
            continue
        if implemented:
            yield breaking("may be called with a parameter that nobody implemented", name)
        elif parameter.default is None:
            yield breaking("requires a new parameter", name)
        else:
            yield added("takes a new parameter", name)
    if before.places and not after.places:
        yield breaking("takes no further values by place any more")
    if before.names and not after.names:
        yield breaking("takes no further values by name any more")
    if before.returns != after.returns:
        words = f"gave {before.returns or 'anything'} and gives {after.returns or 'anything'}"
        yield breaking(words) if before.returns and widened(before.returns, after.returns) else look(words)


def parameters_of(signature: str) -> list[tuple[str, bool]]:
    """The parameters that have a name, in order, each with whether it has a default."""
    return [(name, parameter.default is not None) for name, parameter in _call(signature).parameters.items()]


def _parameter(old: _Parameter, new: _Parameter | None, after: _Call) -> Iterator[Difference]:
    if new is None:
        if not ((after.names or not old.by_name) and (after.places or not old.by_place)):
            yield breaking("takes it no more", old.name)
        return
    if old.by_place and not new.by_place:
        yield breaking("takes it by name only", old.name)
    if old.by_name and not new.by_name:
        yield breaking("takes it by place only", old.name)
    if old.default is not None and new.default is None:
        yield breaking("requires it", old.name)
    elif old.default is not None and old.default != new.default:
        yield look(f"has {new.default} instead of {old.default} where it is left out", old.name)
    if old.annotation != new.annotation:
        words = f"takes {new.annotation or 'anything'} instead of {old.annotation or 'anything'}"
        is_narrowed = bool(new.annotation) and narrowed(old.annotation, new.annotation)
        yield breaking(words, old.name) if is_narrowed else look(words, old.name)


def _order(before: _Call, after: _Call) -> Iterator[Difference]:
    """What is given by place has to arrive at the same parameter; one that is gone is told elsewhere."""
    kept = [name for name in before.placed if name in after.placed]
    if [name for name in after.placed if name in before.placed] != kept:
        yield breaking(f"takes its parameters in another order: {', '.join(after.placed)}")
    elif kept:
        for name in after.placed[: after.placed.index(kept[-1])]:
            if name not in before.parameters:
                yield breaking(f"takes it before {kept[-1]}, where another one was", name)


def _call(signature: str) -> _Call:
    (node,) = (each for each in ast.parse(f"def _{signature}: ...").body if isinstance(each, ast.FunctionDef))
    arguments = node.args
    placed = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(placed) - len(arguments.defaults))
    parameters = {}
    for each, default in zip(placed, [*missing, *arguments.defaults], strict=True):
        parameters[each.arg] = _made(each, default, by_place=True, by_name=each not in arguments.posonlyargs)
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        parameters[each.arg] = _made(each, default, by_place=False, by_name=True)
    returns = ast.unparse(node.returns) if node.returns else ""
    return _Call(parameters, arguments.vararg is not None, arguments.kwarg is not None, returns)


def _made(each: ast.arg, default: ast.expr | None, *, by_place: bool, by_name: bool) -> _Parameter:
    annotation = ast.unparse(each.annotation) if each.annotation else ""
    return _Parameter(each.arg, by_place, by_name, ast.unparse(default) if default else None, annotation)
