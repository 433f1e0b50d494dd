"""What should never have been raised: one line that says where, without the text of the error: it may hold values."""

from __future__ import annotations

from typing import Any

import pytest
from support.command_line import CommandLine

from rekall.infra import DefaultDatabaseBackend, register_backend
from rekall.infra.interfaces import Params, Row


class Surprising(DefaultDatabaseBackend):
    """Raises what no caller expects; given by the program itself, it is taken for a part of it."""

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        raise KeyError("hunter2")


@pytest.fixture
def cli() -> CommandLine:
    """The command line in this process."""
    return CommandLine()


@pytest.mark.parametrize("debug", [False, True])
def test_an_error_that_nobody_foresaw_is_one_line(debug: bool, cli: CommandLine) -> None:
    """Class, function, file and line; with --debug the calls that led to it come first, without values."""
    cli.add("one")
    register_backend("database", Surprising)
    flags: list[Any] = ["--debug"] if debug else []
    result = cli(*flags, "browse")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "hunter2" not in result.stderr
    (line,) = [each for each in result.stderr.splitlines() if each.startswith("rekall: ")]
    assert "internal error, please report it" in line
    assert f"KeyError in fetch_all ({__file__}:" in line
    assert ("rekall --debug" in line) is not debug
    assert ("KeyError, most recent call last:" in result.stderr) is debug
