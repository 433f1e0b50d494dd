"""The deprecation register: every row is sound, warns, and points at the line of whoever must change it."""

from __future__ import annotations

import copy
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.failing import FailingDatabase

from rekall.cli.older_options import OLDER_OPTIONS
from rekall.config_keys import OLDER_KEYS
from rekall.db import Database
from rekall.deprecation import (
    Deprecation,
    RekallDeprecationWarning,
    deprecated,
    register,
    warn_deprecated,
    warn_deprecated_at,
)
from rekall.infra import DefaultCacheBackend, register_backend, register_defaults
from rekall.infra.instrument import instrument
from rekall.infra.versions import Supported
from rekall.mcp.older import OLDER_PARAMETERS

# What a user does that a row is about; each is one line, on which the warning must point.
TRIGGERS: dict[str, Callable[[Path], Any]] = {
    "Database.conn": lambda folder: Database(folder / "a.db").conn,
    "register_backend(backend=)": lambda folder: register_backend("mine", backend=DefaultCacheBackend),
    "DefaultCacheBackend(default_ttl=)": lambda folder: DefaultCacheBackend(default_ttl=60),
    "register_defaults": lambda folder: register_defaults(),
}


def _use(row: Deprecation) -> Callable[[Path], Any]:
    module, _, attribute = row.name.rpartition(".")
    if row.kind == "module":  # only the first import of a process runs it
        return lambda folder: (sys.modules.pop(row.name, None), importlib.import_module(row.name))
    return lambda folder: getattr(importlib.import_module(module), attribute)


TRIGGERS |= {row.name: _use(row) for row in register().values() if row.target or row.value is not None}
ELSEWHERE = {*OLDER_KEYS, *OLDER_OPTIONS, *OLDER_PARAMETERS, *(row.name for row in Supported().deprecated.values())}
"""Rows whose warning points at no line of a caller; the tables of older names and the interface have their tests."""
ROW = "Database.conn"


def test_every_row_has_a_trigger_here() -> None:
    """A new row fails until somebody shows that it warns."""
    assert set(TRIGGERS) | ELSEWHERE == set(register())
    assert not set(TRIGGERS) & ELSEWHERE


@pytest.mark.parametrize("name", TRIGGERS)
def test_every_row_warns_at_the_caller_s_line(name: str, tmp_path: Path) -> None:
    """Category, text with since, removal and replacement, the row itself, and this file's line."""
    row = register()[name]
    trigger = TRIGGERS[name]
    with pytest.warns(RekallDeprecationWarning) as caught:
        trigger(tmp_path)
    (warning,) = caught
    assert warning.category is RekallDeprecationWarning
    assert issubclass(RekallDeprecationWarning, DeprecationWarning)
    assert str(warning.message) == (
        f"{name} is deprecated since Rekall {row.since} and goes in {row.removal}: use {row.replacement}"
    )
    assert isinstance(warning.message, RekallDeprecationWarning)
    assert warning.message.row is row
    assert (warning.filename, warning.lineno) == (__file__, trigger.__code__.co_firstlineno)


@pytest.mark.parametrize("row", register().values(), ids=lambda row: row.name)
def test_every_row_keeps_the_policy(row: Deprecation) -> None:
    """It warns in two majors at least: N and N+1; and it says what to use instead."""
    assert int(row.removal.split(".")[0]) - int(row.since.split(".")[0]) >= 2
    assert row.removal.split(".")[1:] in ([], ["0"], ["0", "0"])
    assert row.replacement not in ("", row.name)


def test_names_stand_in_the_register_once() -> None:
    """Two rows of one name would silently become one."""
    import rekall

    text = Path(inspect.getfile(rekall)).with_name("deprecations.toml").read_text("utf-8")
    assert text.count("[[deprecated]]") == len(register())


def test_the_register_is_not_read_before_something_warns() -> None:
    """Start-up pays nothing for it: no TOML library is imported."""
    printed = processes.run("import sys, rekall.db; print('tomllib' in sys.modules or 'tomli' in sys.modules)")
    assert printed == "False\n"


class Old:
    """Something with a deprecated method and one that is not."""

    @deprecated(ROW)
    def method(self, value: int, *, factor: int = 2) -> int:
        """Multiply."""
        return value * factor

    def other(self) -> int:
        return 1


def test_the_decorator_warns_and_passes_everything_on() -> None:
    """Arguments, result, name and docstring stay."""
    with pytest.warns(RekallDeprecationWarning, match=r"Database\.conn") as caught:
        assert Old().method(3, factor=4) == 12
    assert caught[0].filename == __file__
    assert (Old.method.__name__, Old.method.__doc__) == ("method", "Multiply.")
    assert str(inspect.signature(Old.method)) == str(inspect.signature(Old.method.__wrapped__))  # type: ignore[attr-defined]  # set by functools.wraps


def test_every_call_warns_and_others_do_not() -> None:
    """The decorator is on the one method."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Old().method(1)
        Old().method(1)
        Old().other()
    assert len(caught) == 2


def test_a_warning_goes_to_another_process() -> None:
    """As runners of tests in several processes send it: whole."""
    warning = RekallDeprecationWarning(register()["Database.conn"])
    received = copy.copy(warning)  # by what pickle uses too
    assert (type(received), str(received), received.row) == (type(warning), str(warning), warning.row)


def test_a_name_without_a_row_is_a_mistake() -> None:
    """Nothing is deprecated past the register."""
    with pytest.raises(KeyError, match="unheard of"):
        warn_deprecated("unheard of")


def test_a_deprecated_method_of_a_back_end_points_past_the_wrappers() -> None:
    """The retry around the call is not the caller."""

    class Back(FailingDatabase):
        @deprecated(ROW)
        def fetch_one(self, query: str, params: Any = None) -> Any:
            return {"n": 1}

    proxy = instrument(Back(), "fake")

    def call() -> None:
        proxy.fetch_one("SELECT 1")

    with pytest.warns(RekallDeprecationWarning) as caught:
        call()
    assert (caught[0].filename, caught[0].lineno) == (__file__, call.__code__.co_firstlineno + 1)


def test_rekall_sets_no_filters_of_its_own() -> None:
    """A program decides what it sees: by default Python shows the warning where the program itself is the caller."""
    printed = processes.run(
        "import subprocess, sys, warnings\n"
        "code = 'from rekall.infra import DefaultCacheBackend\\nDefaultCacheBackend(1, 2)\\n'\n"
        "done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)\n"
        "print(done.stderr.count('RekallDeprecationWarning'))\n"
        "done = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True)\n"
        "print(done.stderr.count('RekallDeprecationWarning'))\n"
    )
    assert printed == "1\n0\n"


def test_a_warning_can_name_a_place_that_is_not_on_the_stack() -> None:
    """As for a line of config.toml, or the class of a plug-in."""
    row = register()[ROW]
    with pytest.warns(RekallDeprecationWarning) as caught:
        warn_deprecated_at(row, "somewhere/else.py", 7, "else")
    (warning,) = caught
    assert (warning.filename, warning.lineno) == ("somewhere/else.py", 7)
    assert isinstance(warning.message, RekallDeprecationWarning)
    assert warning.message.row is row


def test_a_package_that_is_asked_for_a_submodule_reads_no_register(tmp_path: Path) -> None:
    """`from rekall.cli import output` asks the package for `output` first: a search must not pay for that."""
    code = (
        "import os, sys; os.environ['REKALL_HOME'] = sys.argv[1]; sys.argv[1:] = ['search', 'x']\n"
        "from rekall.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    print(end.code, 'tomllib' in sys.modules or 'tomli' in sys.modules)\n"
    )
    Database(tmp_path / "knowledge.db").init()
    assert processes.run(code, tmp_path).endswith("0 False\n")


def test_an_import_from_a_package_warns_once_and_at_its_own_line() -> None:
    """Importing asks a package whether it has the name before it takes it."""
    with pytest.warns(RekallDeprecationWarning) as caught:
        from rekall.infra import DatabaseError, get_cache  # type: ignore[attr-defined]  # noqa: F401  # only at run time
    (warning,) = caught
    assert (warning.filename, warning.lineno) == (__file__, _line("from rekall.infra import DatabaseError"))


def _line(text: str) -> int:
    """The line of this file that begins so."""
    lines = Path(__file__).read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(text))
