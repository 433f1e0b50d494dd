"""Home where the server is installed: its back ends are listed, and selected in config.toml as any other."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from server_support.redis import RedisServer
from support.command_line import CommandLine

import rekall_server


@pytest.fixture
def cli() -> CommandLine:
    """The command line in this process."""
    return CommandLine()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.close()


def _configure(text: str) -> None:
    file = Path(os.environ["REKALL_HOME"]) / "config.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)


def test_both_back_ends_are_listed(cli: CommandLine) -> None:
    """With what brings them; those of Home stay selected."""
    rows = {(row["kind"], row["name"]): row for row in cli.json("backends")["backends"]}
    for kind, name in (("database", "pooled"), ("cache", "redis")):
        assert (rows[kind, name]["distribution"], rows[kind, name]["loads"]) == ("rekall-server", True)
        assert rows[kind, name]["version"] == rekall_server.__version__
    assert {name for (_, name), row in rows.items() if row["selected"]} == {"sqlite", "local"}


def test_home_works_on_them(cli: CommandLine, redis: RedisServer) -> None:
    """Selected in its config.toml, as any back end; the file is Home's own afterwards."""
    _configure(
        '[backends]\ndatabase = "pooled"\ncache = "redis"\n\n'
        f'[backends.database_options]\npool_size = 2\n\n[backends.cache_options]\nurl = "{redis.url}"\n'
    )
    added = cli.add("CORS in Safari")
    assert cli.json("search", "safari")["results"][0]["id"] == added
    assert f"pooled on {os.environ['REKALL_HOME']}/knowledge.db" in cli.ok("doctor")
    checked = [line.split("\t")[:3] for line in cli.ok("backends", "--check").splitlines()]
    assert checked == [["ok", "database", "pooled"], ["ok", "cache", "redis"]]
    _configure("")
    assert cli.json("search", "safari")["results"][0]["id"] == added
    with closing(sqlite3.connect(f"{os.environ['REKALL_HOME']}/knowledge.db")) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_back_end_that_is_still_to_come_is_not_said_to_be_uninstalled(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the server and selects `rqlite` is told what to do: installing it again would not help."""
    monkeypatch.setenv("REKALL_DATABASE_BACKEND", "rqlite")
    assert cli.fails("search", "safari").endswith("available: pooled, sqlite; a later rekall-server brings it")
    (row,) = [row for row in cli.json("backends")["backends"] if row["name"] == "rqlite"]
    assert row["problem"] == "nothing that is installed brings it; it comes with a later rekall-server"
