"""`rekall.db` is a facade: 121 typed methods of 0.3, each one call, and nothing that could hold a mistake."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rekall import db
from rekall.db import Database

FACTS = json.loads((Path(__file__).parent / "data" / "compat" / "python_api_full.json").read_text("utf-8"))
METHODS: list[str] = [
    name
    for name, fact in FACTS["modules"]["rekall.db"]["classes"]["Database"]["members"].items()
    if fact["kind"] == "method" and not name.startswith("_")
]
SOURCE = inspect.getsource(db)
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|PRAGMA|BEGIN|COMMIT)\b")
BRANCHES = (
    *(ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.With, ast.Match, ast.BoolOp, ast.Lambda, ast.comprehension),
    *(ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Yield, ast.YieldFrom, ast.Assert, ast.Raise, ast.Compare),
)


def _faults(source: str) -> Iterator[str]:
    """What a facade may not hold."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, BRANCHES):
            yield type(node).__name__
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
            yield node.value
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from (ast.unparse(each) for each in node.decorator_list if ast.unparse(each) != "property")
            if node.name in ("__getattr__", "__getattribute__", "__init_subclass__"):
                yield node.name
        elif isinstance(node, ast.Name) and node.id in (
            "setattr",
            "getattr",
            "exec",
            "eval",
            "type",
            "globals",
            "vars",
        ):
            yield node.id


def _forwards(source: str) -> bool:
    """Whether a method is one call of the store or the handle, or of one domain function that is given the store.

    An import before it, of what start-up has no need of, is no second statement.
    """
    (method,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(method, ast.FunctionDef)
    _, *imports, last = method.body if ast.get_docstring(method) else [None, *method.body]
    if not all(isinstance(each, ast.ImportFrom) for each in imports) or not isinstance(last, (ast.Expr, ast.Return)):
        return False
    call = last.value
    if not isinstance(call, ast.Call) or any(isinstance(node, ast.Call) for node in ast.walk(call) if node is not call):
        return False
    words = ast.unparse(call.func).split(".")
    if words[0] == "self":
        return words[1] in ("store", "_handle")
    return len(words) == 2 and bool(call.args) and ast.unparse(call.args[0]) == "self.store"


def test_it_has_the_121_methods() -> None:
    """Those of 0.3, written out one by one in the class itself."""
    assert len(METHODS) == 121
    (body,) = (node.body for node in ast.parse(SOURCE).body if isinstance(node, ast.ClassDef))
    written = {node.name for node in body if isinstance(node, ast.FunctionDef) and not node.decorator_list}
    assert {name for name in written if not name.startswith("_")} == set(METHODS)
    assert Database.__mro__ == (Database, object)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_one_call(name: str) -> None:
    """Of the store or of the handle, and its answer is what that answers."""
    assert _forwards(inspect.getsource(getattr(Database, name)))


def test_it_holds_no_sql_and_no_branch() -> None:
    """Whatever decides or repeats is in the store or in the domain."""
    assert list(_faults(SOURCE)) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f(self):\n    return self.store.fetch_all('SELECT 1')",
        "def f(self, x):\n    return self.store.f(x or 1)",
        "def f(self, x):\n    return self.store.f(1 if x else 2)",
        "def f(self, x):\n    return [self.store.f(y) for y in x]",
        "def __getattr__(self, name):\n    return self.store.f(name)",
        "def f(self, name):\n    return getattr(self.store, name)",
        "@cached\ndef f(self):\n    return self.store.f()",
    ],
)
def test_what_may_not_be_there_is_noticed(source: str) -> None:
    """The search that the test above rests on."""
    assert list(_faults(source))


@pytest.mark.parametrize(
    ("body", "forwards"),
    [
        ("return self.store.entries.get(entry_id)", True),
        ("self._handle.open()", True),
        ("from rekall import graph\n    return graph.render(self.store, entry_id)", True),
        ("from rekall import graph\n    return graph.render(entry_id)", False),
        ("return self.entries.get(entry_id)", False),
        ("return self.store.entries.get(str(entry_id))", False),
        ("return self.store.entries.get(entry_id) + 1", False),
        ("x = 1\n    return self.store.entries.get(x)", False),
        ("return None", False),
    ],
)
def test_one_call_is_told_from_more(body: str, forwards: bool) -> None:
    """The check that each method is held to."""
    assert _forwards(f"def f(self, entry_id):\n    '''See.'''\n    {body}") is forwards


@pytest.mark.fault(54)
@pytest.mark.parametrize("name", [name for name in vars(Database) if inspect.isfunction(vars(Database)[name])])
def test_every_annotation_can_be_read(name: str) -> None:
    """By a program, with nothing but the module itself; no parameter and no result is without."""
    method: Any = getattr(Database, name)
    known = typing.get_type_hints(method)
    parameters = list(inspect.signature(method).parameters)[1:]
    assert set(known) == {*parameters, "return"}
