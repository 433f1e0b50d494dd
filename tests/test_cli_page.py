"""docs/cli.md is what the commands print today, on a terminal and in a pipe."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import cli_page_run
import pytest
from cli_page_examples import COMMANDS as SHOWN
from support.plugins import PROJECTS, install

from rekall.cli.backends.table import BACKENDS
from rekall.cli.commands import COMMANDS
from rekall.cli.sources.table import INBOX, SOURCES, STAGING
from rekall.infra.distributions import installed
from rekall.infra.interfaces import KINDS

FREE = re.compile(r"^rekall: |\? \[y/N\]")
PAGE = cli_page_run.PAGE.read_text("utf-8") if cli_page_run.PAGE.exists() else ""


@pytest.mark.skipif(sys.platform == "win32", reason="the page is made on a terminal of Unix")
def test_the_page_is_what_the_commands_print() -> None:
    """Made anew and compared; `tools/cli-page` writes it when a change was meant."""
    assert cli_page_run.made() == PAGE


def test_the_page_is_the_same_beside_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else is installed where it is made does not stand on it."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    monkeypatch.syspath_prepend(install([project for project in PROJECTS if project.distribution == "acme"], tmp_path))
    assert {plugin.name for plugin in installed("database")[0]} >= {"acme"}
    cli_page_run.hide_plugins(hidden)
    monkeypatch.syspath_prepend(hidden)
    assert [installed(kind) for kind in KINDS] == [([], []), ([], [])]


def test_every_command_is_there() -> None:
    """Those of the groups too, each on a terminal or in a pipe, and most in both."""
    shown = {example.name.partition(",")[0] for examples in SHOWN.values() for example in examples}
    groups = {"sources": SOURCES, "sources inbox": INBOX, "sources staging": STAGING, "backends": BACKENDS}
    wanted = set(COMMANDS) | {
        f"{words} {name}" for words, group in groups.items() for section in group.sections.values() for name in section
    }
    assert shown == wanted - {name for name, group in groups.items() if not group.alone}
    assert all(f"### rekall {name}\n" in PAGE for name in shown)


def test_no_line_of_a_terminal_is_wider_than_it() -> None:
    """80 columns. Not so what is typed, what a pipe gets, questions, messages, and lines to paste elsewhere."""
    on_terminal = [block for block in re.findall(r"```console\n\$ (.*?)```", PAGE, re.DOTALL) if "| cat\n" not in block]
    on_terminal = [block for block in on_terminal if "--print-config" not in block]
    assert len(on_terminal) > 40
    lines = [line for block in on_terminal for line in block.splitlines()[1:] if not FREE.search(line)]
    assert [line for line in lines if len(line) > 80] == []
