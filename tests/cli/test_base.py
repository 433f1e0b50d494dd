"""`rekall info`, `init`, `migrate` and `version`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.command_line import CommandLine

import rekall


@pytest.mark.parametrize("command", ["info", "migrate"])
def test_no_base_yet(cli: CommandLine, command: str) -> None:
    """Where there is no base, commands that describe one say so and fail."""
    assert "no base yet" in cli.fails(command)
    assert "no base yet" in cli.fails(command, "--json")


def test_version(cli: CommandLine) -> None:
    """The version is told with and without a base, and the schema once there is one."""
    first, second = cli.ok("version").splitlines()
    assert first == rekall.get_version_string()
    assert second.startswith("No base yet")
    assert cli.json("version")["schema_version"] is None
    cli.add("One")
    assert "Schema 12" in cli.ok("version")
    assert cli.json("version")["schema_version"] == 12


def test_info(cli: CommandLine) -> None:
    """Totals, types, projects and links are counted."""
    old = cli.add("One", "-p", "zoo")
    cli.ok("link", old, cli.add("Two", "-p", "zoo"))
    cli.add("Three", entry_type="pattern")
    cli.ok("deprecate", old)
    facts = cli.json("info")
    assert facts["entries"] == {"total": 3, "active": 2, "obsolete": 1}
    assert facts["by_type"] == {"bug": 1, "pattern": 1}
    assert {row["project"]: row["count"] for row in facts["by_project"]} == {None: 1, "zoo": 1}
    assert (facts["links"], facts["schema_version"]) == (1, 12)
    text = cli.ok("info")
    assert "2 active, 1 obsolete" in text
    assert "(none)" in text


def test_init_may_be_repeated(cli: CommandLine) -> None:
    """The first init makes the directories and the base, the second changes nothing."""
    assert cli.json("init")["created"] is True
    home = Path(os.environ["REKALL_HOME"])
    assert (home / "cache").is_dir()
    cli.add("One")
    assert cli.json("init")["created"] is False
    assert cli.json("info")["entries"]["total"] == 1


def test_migrate_when_current(cli: CommandLine) -> None:
    """There is nothing to migrate in a new base, with and without --enrich-context."""
    cli.add("One")
    assert "nothing to migrate" in cli.ok("migrate")
    report = cli.json("migrate", "--enrich-context", "--yes")
    assert (report["is_current"], report["migrated"], report["backup"], report["contexts"]) == (True, False, None, 0)
