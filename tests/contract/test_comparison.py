"""The comparison that the walk rests on notices every kind of difference, and no difference that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Optional

import pytest
from support.contract.annotations import Names, same
from support.contract.callables import walk_function
from support.contract.classes import walk_class
from support.contract.guide import Row
from support.contract.values import describe

from rekall.models import Entry

NAMES = Names(globals(), {"Entry": "rekall.models"})


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("Optional[str]", "str | None"),
        ("str | None", Optional[str]),  # noqa: UP045  # the older form is the point
        ("list['Entry']", list[Entry]),
        ("List[Dict[str, Any]]", list[dict[str, Any]]),
        ("dict", dict[str, Any]),
        ("Optional[tuple]", "tuple[Any, ...] | None"),
        ("callable | None", "Callable[[int, int, str], None] | None"),
        ("Literal['a', 'b']", Literal["b", "a"]),
        ("Path | str", "str | Path"),
        ("Optional[datetime.datetime]", "datetime | None"),
        ("Any", int),
        (None, int),
    ],
)
def test_annotations_that_mean_the_same(recorded: str | None, found: Any) -> None:
    """However they are written."""
    assert same(recorded, found, NAMES)


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("str", "str | None"),
        ("str | None", "str"),
        ("int", "float"),
        ("list[str]", "list[int]"),
        ("tuple[int, int]", "tuple[int, int, int]"),
        ("Literal['a', 'b']", "Literal['a']"),
        ("Entry", "int"),
        ("UnheardOf", "Entry"),
        ("str", Any),
    ],
)
def test_annotations_that_differ(recorded: str, found: Any) -> None:
    """Wider, narrower or something else."""
    assert not same(recorded, found, NAMES)


FUNCTION = {
    "parameters": [
        {"name": "one", "kind": "normal", "annotation": "str", "required": True},
        {"name": "two", "kind": "normal", "annotation": "int", "default": 2},
    ],
    "returns": "bool",
}


def good(one: str, two: int = 2, *, more: bool = False) -> bool: ...  # type: ignore[empty-body]  # only its signature
def default(one: str, two: int = 3) -> bool: ...  # type: ignore[empty-body]  # only its signature
def required(one: str, two: int) -> bool: ...  # type: ignore[empty-body]  # only its signature
def swapped(two: int = 2, one: str = "") -> bool: ...  # type: ignore[empty-body]  # only its signature
def keyword(one: str, *, two: int = 2) -> bool: ...  # type: ignore[empty-body]  # only its signature
def renamed(one: str, zwei: int = 2) -> bool: ...  # type: ignore[empty-body]  # only its signature
def demanding(one: str, two: int = 2, *, more: bool) -> bool: ...  # type: ignore[empty-body]  # only its signature
def other_type(one: str, two: str = "2") -> bool: ...  # type: ignore[empty-body]  # only its signature
def other_result(one: str, two: int = 2) -> int: ...  # type: ignore[empty-body]  # only its signature
async def waiting(one: str, two: int = 2) -> bool: ...  # type: ignore[empty-body]  # only its signature


@pytest.mark.parametrize(
    ("function", "items"),
    [
        (good, []),
        (default, ["f(two)"]),
        (required, ["f(two)"]),
        (swapped, ["f(one)", "f(two)"]),
        (keyword, ["f(two)"]),
        (renamed, ["f(two)"]),
        (demanding, ["f"]),
        (other_type, ["f(two)"]),
        (other_result, ["f ->"]),
        (waiting, ["f"]),
        (None, ["f", "f(one)", "f(two)", "f ->"]),
    ],
)
def test_a_function_that_differs(function: Callable[..., Any] | None, items: list[str]) -> None:
    """In the function, a parameter or its result: that item, and no other."""
    found = walk_function("f", "function", FUNCTION, function, NAMES)
    assert [each.item for each in found if each.problem] == items


CLASS = {
    "kind": "dataclass",
    "bases": [],
    "fields": [
        {"name": "one", "annotation": "str", "required": True},
        {"name": "two", "annotation": "list[str]", "default_factory": "list"},
        {"name": "three", "annotation": "int", "default": 3},
    ],
    "members": {"four": {"kind": "property", "returns": "int"}},
}


@dataclass
class Same:
    one: str
    two: list[str] = field(default_factory=list)
    three: int = 3

    @property
    def four(self) -> int:
        return 4


@dataclass
class Moved(Same):
    """Its first field is another one."""

    one: str = field(kw_only=True)


@dataclass
class Changed(Same):
    two: list[str] = field(default_factory=lambda: ["x"])
    three: int = 4

    def four(self) -> int:  # type: ignore[override]  # what the test is about
        return 4


@pytest.mark.parametrize(
    ("found", "items"),
    [
        (Same, []),
        (Moved, ["C"]),
        (Changed, ["C.two", "C.three", "C.four"]),
        (object, ["C", "C.one", "C.two", "C.three", "C.four"]),
        (None, ["C", "C.one", "C.two", "C.three", "C.four"]),
    ],
)
def test_a_class_that_differs(found: Any, items: list[str]) -> None:
    """In the class, a field or a member: that item, and no other."""
    assert [each.item for each in walk_class("C", CLASS, found, NAMES) if each.problem] == items


@pytest.mark.parametrize(
    ("known", "found", "equal"),
    [
        (3, 3, True),
        ([1, 2], (1, 2), True),
        ({"type": "set", "value": ["a", "b"]}, {"b", "a"}, True),
        ({"type": "set", "value": ["a", "b"]}, {"a"}, False),
        ({"type": "list", "size": 2, "value": "not copied"}, [1, 2], True),
        ({"type": "list", "size": 2, "value": "not copied"}, [1], False),
        ({"type": "dict", "keys": ["a"], "value": "not copied"}, {"a": 1}, True),
        ({"type": "dict", "keys": ["a"], "value": "not copied"}, {"b": 1}, False),
        ({"a": 1}, {"a": 2}, False),
    ],
)
def test_constants(known: Any, found: Any, equal: bool) -> None:
    """By value, or by what was recorded of it."""
    one, other = describe(known, found)
    assert (one == other) is equal


@pytest.mark.parametrize(
    ("item", "covered"),
    [
        ("rekall.sync", True),
        ("rekall.sync.Conflict", True),
        ("rekall.sync.merge(entry)", True),
        ("rekall.sync.merge ->", True),
        ("rekall.synchronize", False),
        ("rekall export --output", True),
        ("rekall exporters", False),
        ("rekall", False),
    ],
)
def test_a_row_covers_its_items_and_their_parts(item: str, covered: bool) -> None:
    """And nothing that only begins alike."""
    assert Row(("rekall.sync", "rekall export"), ()).covers(item) is covered
