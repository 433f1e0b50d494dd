"""Annotations compared by what they mean: `Optional[X]` is `X | None`, `dict` is `dict[str, Any]`."""

from __future__ import annotations

import builtins
import collections.abc
import datetime
import importlib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import numpy as np

_UNIONS = (Union, types.UnionType)
_WITHOUT_PARAMETERS: dict[Any, tuple[Any, ...]] = {
    dict: (str, Any),
    list: (Any,),
    set: (Any,),
    tuple: (Any, ...),
    collections.abc.Callable: (..., Any),
    np.ndarray: (Any, Any),
}


class Names(Mapping[str, Any]):
    """What a name in an annotation stands for: the module's own name, then any class of the recorded API, then typing.

    Args:
        module: the names of the module that the annotation is in; of a recorded annotation, none.
        places: by class name, the module of Rekall 0.3 that has it.
    """

    def __init__(self, module: Mapping[str, Any], places: Mapping[str, str]) -> None:
        self.recorded = self if not module else Names({}, places)
        self._module = module
        self._places = places

    def __getitem__(self, name: str) -> Any:
        place = _ELSEWHERE.get(name) or self._places.get(name)
        if name not in self._module and place:
            try:
                module = importlib.import_module(place)
                return module if place.endswith(name) or name == "np" else getattr(module, name)
            except (ImportError, AttributeError):
                pass
        for source in (self._module, _COMMON, vars(typing), vars(builtins)):
            if name in source:
                return source[name]
        return type(name, (), {"__class_getitem__": classmethod(lambda unknown, _: unknown)})  # equal to nothing else

    def __iter__(self) -> Iterator[str]:
        return iter({*self._module, *self._places})

    def __len__(self) -> int:
        return len({*self._module, *self._places})


_COMMON: dict[str, Any] = {
    "Path": Path,
    "callable": Callable,
    "date": datetime.date,
    "datetime": datetime.datetime,
}
_ELSEWHERE = {
    **{name: name for name in ("rekall", "sqlite3", "zipfile")},
    "np": "numpy",
    "ndarray": "numpy",
    "NDArray": "numpy.typing",
}


def hints(thing: Any, names: Names) -> dict[str, Any]:
    """The type hints of a function or class, those that its module imports for type checkers alone included."""
    return typing.get_type_hints(thing, localns=names)


def same(text: str | None, found: Any, names: Names) -> bool:
    """Whether an annotation means what was recorded; nothing recorded, and Any, are met by everything."""
    if text is None:
        return True
    return _matches(_meaning(text.replace("datetime.datetime", "datetime"), names.recorded), _meaning(found, names))


def _meaning(annotation: Any, names: Names) -> Any:
    """Origin and arguments, strings resolved; unions and literals as sets."""
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _meaning(eval(annotation, {}, names), names)  # noqa: S307  # recorded annotations
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is None or annotation is types.NoneType:
        return None
    if origin is Annotated:
        return _meaning(arguments[0], names)
    if origin in _UNIONS:
        return frozenset(_meaning(each, names) for each in arguments)
    if origin is Literal:
        return (Literal, *sorted(map(str, arguments)))
    if annotation is Callable:
        annotation = collections.abc.Callable
    if origin is None and annotation in _WITHOUT_PARAMETERS:
        origin, arguments = annotation, _WITHOUT_PARAMETERS[annotation]
    if origin is not None:
        flat = (each if isinstance(each, (list, type(...))) else _meaning(each, names) for each in arguments)
        return (
            origin,
            *(tuple(_meaning(one, names) for one in each) if isinstance(each, list) else each for each in flat),
        )
    return annotation


def _matches(known: Any, found: Any) -> bool:
    if known is Any or known is ... or known == found:
        return True
    if isinstance(known, frozenset) and isinstance(found, frozenset):
        return all(any(_matches(one, other) for other in found) for one in known) and all(
            any(_matches(one, other) for one in known) for other in found
        )
    if isinstance(known, frozenset):  # Optional[Any]: Any covers None
        return Any in known
    if isinstance(known, tuple) and isinstance(found, tuple):
        return len(known) == len(found) and all(map(_matches, known, found))
    return False
