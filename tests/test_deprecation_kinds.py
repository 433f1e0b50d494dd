"""How a name of each kind is deprecated, with rows of the tests' own; the rows that ship: test_deprecation.py."""

from __future__ import annotations

import abc
import asyncio
import copy
import inspect
import pickle
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pytest
from support import processes

from rekall.deprecation import KINDS, Deprecation, RekallDeprecationWarning, deprecated, register, warn_deprecated

ROWS = {
    name: Deprecation(name, kind, "1.0", "3.0", f"new_{name}")
    for name, kind in {
        "function": "function",
        "coroutine": "function",
        "Thing.method": "method",
        "Thing.made": "method",
        "Thing.static": "method",
        "Thing.value": "attribute",
        "Old": "class",
        "function(size=)": "parameter",
    }.items()
}
T = TypeVar("T")


def here(offset: int = 0) -> tuple[str, int]:
    """This file, and the line that calls this, or one near it."""
    return __file__, sys._getframe(1).f_lineno + offset


def place(caught: pytest.WarningsRecorder) -> tuple[str, int]:
    """Where the one warning points."""
    (warning,) = caught
    assert warning.category is RekallDeprecationWarning
    return warning.filename, warning.lineno


def test_every_row_has_a_kind_that_is_known() -> None:
    """And config keys have none but theirs."""
    assert {row.kind for row in register().values()} <= set(KINDS)
    assert len(set(KINDS)) == len(KINDS)


# functions, methods, properties


@deprecated("function", rows=ROWS)
def function(size: int | None = None) -> int:
    """Count."""
    return size or 1


@deprecated("coroutine", rows=ROWS)
async def coroutine() -> int:
    return 7


class Thing:
    """A method of each sort and a property, all deprecated."""

    @deprecated("Thing.method", rows=ROWS)
    def method(self) -> str:
        return "method"

    @classmethod
    @deprecated("Thing.made", rows=ROWS)
    def made(cls) -> Thing:
        return cls()

    @staticmethod
    @deprecated("Thing.static", rows=ROWS)
    def static() -> str:
        return "static"

    @property
    @deprecated("Thing.value", rows=ROWS)
    def value(self) -> str:
        return "value"


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("function", lambda: function()),
        ("Thing.method", lambda: Thing().method()),
        ("Thing.made", lambda: Thing.made()),
        ("Thing.static", lambda: Thing.static()),
        ("Thing.value", lambda: Thing().value),
    ],
)
def test_each_use_warns_at_its_line(name: str, use: Any) -> None:
    """With the row of the register that was given."""
    with pytest.warns(RekallDeprecationWarning) as caught:
        assert use()
    assert place(caught) == (__file__, use.__code__.co_firstlineno)
    assert isinstance(caught[0].message, RekallDeprecationWarning)
    assert caught[0].message.row is ROWS[name]


def test_an_async_function_warns_where_it_is_called() -> None:
    """A task is awaited by the event loop, which is nobody's line."""

    async def run() -> int:
        with pytest.warns(RekallDeprecationWarning) as caught:
            task = asyncio.create_task(coroutine())
        assert place(caught) == here(-1)
        return await task

    assert asyncio.run(run()) == 7


def test_a_parameter_warns_only_when_it_is_given() -> None:
    """By the one line that the function asks with."""

    def scale(factor: int = 1, size: int | None = None) -> int:
        if size is not None:
            warn_deprecated("function(size=)", rows=ROWS)
        return size or factor

    assert scale(2) == 2
    with pytest.warns(RekallDeprecationWarning, match=r"function\(size=\) is deprecated"):
        assert scale(size=3) == 3


# classes


@deprecated("Old", rows=ROWS)
class Old:
    """A class that people make and derive from."""

    def __init__(self, size: int) -> None:
        self.size = size


def test_a_class_warns_when_it_is_instantiated() -> None:
    """At the line that does; it is the same class, with its signature, and copies are not made by the user."""
    with pytest.warns(RekallDeprecationWarning) as caught:
        old = Old(3)
    assert place(caught) == here(-1)
    assert (old.size, type(old) is Old, isinstance(old, Old)) == (3, True, True)
    assert (Old.__name__, Old.__doc__, str(inspect.signature(Old))) == (
        "Old",
        "A class that people make and derive from.",
        "(size: 'int') -> 'None'",
    )
    assert copy.copy(old).size == 3
    assert pickle.loads(pickle.dumps(old)).size == 3  # noqa: S301  # our own bytes


def test_a_class_warns_when_it_is_subclassed() -> None:
    """At the class statement; neither an instance of the subclass nor a subclass of that warns again."""
    with pytest.warns(RekallDeprecationWarning) as caught:

        class Mine(Old):
            """A user's class."""

            def __init__(self) -> None:
                super().__init__(5)

    assert place(caught) == here(-6)

    class Further(Mine):
        """A class of somebody who does not name the old one."""

    assert (Mine().size, Further().size) == (5, 5)
    assert isinstance(Further(), Old)
    assert issubclass(Mine, Old)


def test_an_abstract_class_warns_past_the_machinery() -> None:
    """`abc` makes the class in Python code of its own, which is not the caller."""

    @deprecated("Old", rows=ROWS)
    class Back(abc.ABC):
        @abc.abstractmethod
        def get(self) -> str: ...

    with pytest.warns(RekallDeprecationWarning) as caught:

        class Mine(Back):
            def get(self) -> str:
                return "got"

    assert place(caught) == here(-4)
    assert Mine().get() == "got"
    with pytest.raises(TypeError, match="abstract"):
        Back()  # type: ignore[abstract]  # what is tested


def test_what_a_class_does_for_its_subclasses_is_still_done() -> None:
    """Its own `__init_subclass__`, an inherited one, and keywords of the class statement."""
    seen: list[tuple[str, Mapping[str, Any]]] = []

    class Base:
        def __init_subclass__(cls, **keywords: Any) -> None:
            seen.append((cls.__name__, keywords))

    @deprecated("Old", rows=ROWS)
    class Inheriting(Base, told=1):
        pass

    @deprecated("Old", rows=ROWS)
    class Own(Base):
        def __init_subclass__(cls, more: int = 0, **keywords: Any) -> None:
            super().__init_subclass__(more=more, **keywords)

    with pytest.warns(RekallDeprecationWarning):

        class One(Inheriting, told=2):
            pass

    with pytest.warns(RekallDeprecationWarning):

        class Other(Own, more=3):
            pass

    assert seen == [
        ("Inheriting", {"told": 1}),
        ("Own", {}),
        ("One", {"told": 2}),
        ("Other", {"more": 3}),
    ]


def _of_each_make() -> Iterator[tuple[type[Any], tuple[Any, ...]]]:
    @dataclass(frozen=True)
    class Data:
        size: int

    class Pair(NamedTuple):
        left: int
        right: int

    class Derived(Pair):
        """A class whose values are set by `__new__`."""

    class Plain:
        """A class without a constructor."""

    class ShopError(ValueError):
        """An exception."""

    class Box(Generic[T]):
        def __init__(self, content: T) -> None:
            self.content = content

    class Slots:
        __slots__ = ("size",)

        def __init__(self, size: int) -> None:
            self.size = size

    yield from [(Data, (1,)), (Derived, (1, 2)), (Plain, ()), (ShopError, ("text",)), (Box, (1,)), (Slots, (1,))]


@pytest.mark.parametrize(("made", "arguments"), [pytest.param(*each, id=each[0].__name__) for each in _of_each_make()])
def test_classes_of_every_make(made: type[Any], arguments: tuple[Any, ...]) -> None:
    """Values arrive, wrong arguments are refused as before, and each instance warns once."""
    with pytest.raises(TypeError):
        made(*range(9), wrong=1)
    plain = made(*arguments)
    deprecated("Old", rows=ROWS)(made)
    with pytest.warns(RekallDeprecationWarning) as caught:
        again = made(*arguments)
    assert place(caught) == here(-1)
    assert type(again) is made
    for name in ("size", "left", "right", "args", "content"):
        assert getattr(again, name, None) == getattr(plain, name, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(TypeError):
            made(*range(9), wrong=1)


def test_what_python_has_in_between_is_not_the_caller() -> None:
    """A parametrised class, a changed copy of a dataclass, a class made by a call."""

    @deprecated("Old", rows=ROWS)
    @dataclass(frozen=True)
    class Old(Generic[T]):
        content: T

    with pytest.warns(RekallDeprecationWarning) as caught:
        made = Old[int](1)
    assert place(caught) == here(-1)
    with pytest.warns(RekallDeprecationWarning) as caught:
        replace(made, content=2)
    assert place(caught) == here(-1)
    with pytest.warns(RekallDeprecationWarning) as caught:
        types.new_class("New", (Old,))
    assert place(caught) == here(-1)


# modules

USE = """
import warnings
warnings.simplefilter("always")
from shop import old
import shop.old
from shop.old import price
import shop.new
print(shop.old is shop.new is old, price is shop.new.price)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A package with a module that moved from `shop.old` to `shop.new`."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "new.py").write_text("def price(): return 1\n_private = 2\n")
    (folder / "old.py").write_text(
        "from rekall.deprecation import Deprecation, moved_module\n"
        "row = Deprecation('shop.old', 'module', '1.0', '3.0', 'shop.new', target='shop.new')\n"
        "moved_module(__name__, rows={'shop.old': row})\n"
    )
    return folder


def test_a_module_that_moved_warns_at_the_import(shop: Path, tmp_path: Path) -> None:
    """At the first one, as modules of Python's own do; the older name is the newer module, whatever is asked of it."""
    (tmp_path / "use.py").write_text(USE)
    printed = processes.run(
        "import runpy, sys, warnings\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    runpy.run_path(sys.argv[2])\n"
        "print([(w.filename == sys.argv[2], w.lineno, str(w.message)) for w in caught])\n",
        tmp_path,
        tmp_path / "use.py",
    )
    text = "shop.old is deprecated since Rekall 1.0 and goes in 3.0: use shop.new"
    assert printed.splitlines() == ["True True", str([(True, 4, text)])]


def test_a_warning_that_is_an_error_leaves_no_half_imported_module(shop: Path, tmp_path: Path) -> None:
    """The next import fails in the same way."""
    printed = processes.run(
        "import sys, warnings\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "warnings.simplefilter('error')\n"
        "for _ in range(2):\n"
        "    try:\n        import shop.old\n"
        "    except DeprecationWarning as warning:\n        print('shop.old' in sys.modules, warning.row.kind)\n",
        tmp_path,
    )
    assert printed == "False module\nFalse module\n"


def test_a_package_does_not_move_as_a_whole(shop: Path, tmp_path: Path) -> None:
    """Its modules would be imported a second time under the older name: the mistake is told at once."""
    (shop / "new.py").unlink()
    (shop / "new").mkdir()
    (shop / "new" / "__init__.py").write_text("")
    printed = processes.run(
        "import sys\nsys.path.insert(0, sys.argv[1])\ntry:\n    import shop.old\nexcept TypeError as e:\n    print(e)",
        tmp_path,
    )
    assert printed == "shop.new is a package: its modules move one by one\n"


# filters


def test_importing_every_module_leaves_the_filters_alone() -> None:
    """`rekall` never changes what a program wants to see, whichever of its modules is imported."""
    printed = processes.run(
        "import importlib, pkgutil, warnings\n"
        "import fastmcp, pydantic, typer, rich, numpy  # those of others, before\n"
        "import rekall\n"
        "before = list(warnings.filters), warnings.showwarning, warnings.formatwarning\n"
        "names = [module.name for module in pkgutil.walk_packages(rekall.__path__, 'rekall.')]\n"
        "for name in names:\n"
        "    if not name.endswith('__main__'):\n"
        "        importlib.import_module(name)\n"
        "        assert (list(warnings.filters), warnings.showwarning, warnings.formatwarning) == before, name\n"
        "print(len(names) > 150)\n"
    )
    assert printed == "True\n"
