"""`sources verify`, against a server on this machine."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import raw, sources
from support.command_line import CommandLine, run_in_terminal
from support.web import Web, serving

from rekall.config import get_config
from rekall.db import Database


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine()


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        yield running


@pytest.fixture
def db(web: Web) -> Iterator[Database]:
    CommandLine().ok("init")
    with Database(get_config().db_path) as opened:
        sources.source(opened, "S1", "good.example", url_pattern=web.url("/status/200"))
        sources.source(opened, "S2", "bad.example", url_pattern=web.url("/status/404"))
        yield opened


def answer(cli: CommandLine, *args: str) -> Any:
    return json.loads(cli.ok("sources", "verify", *args))


def statuses(db: Database) -> list[tuple[Any, ...]]:
    return raw.rows(db.db_path, "SELECT id, status FROM sources ORDER BY id")


def test_private_addresses_need_a_flag(cli: CommandLine, db: Database, web: Web) -> None:
    """Without it nothing is sent, and no status changes."""
    found = answer(cli)
    assert (found["status"], found["verified"], found["refused"], len(found["errors"])) == ("success", 0, 2, 2)
    assert web.paths() == []
    assert statuses(db) == [("S1", "active"), ("S2", "active")]


def test_what_was_found_is_stored(cli: CommandLine, db: Database, web: Web) -> None:
    """In the keys of 0.3; a second run within a day checks nothing unless forced."""
    found = answer(cli, "--allow-private")
    assert (found["verified"], found["accessible"], found["inaccessible"]) == (2, 1, 1)
    assert found["errors"] == [{"source_id": "S2", "domain": "bad.example", "message": "Not Found"}]
    assert statuses(db) == [("S1", "active"), ("S2", "inaccessible")]
    assert answer(cli, "--allow-private")["verified"] == 0
    assert answer(cli, "--allow-private", "--force", "--limit", "1")["verified"] == 1


@pytest.mark.fault(41)
def test_one_domain_alone(cli: CommandLine, db: Database, web: Web) -> None:
    """0.3 took the option and checked all."""
    assert answer(cli, "--allow-private", "-d", "good.example")["verified"] == 1
    assert web.paths() == ["/status/200"]


def test_in_a_terminal(cli: CommandLine, db: Database, web: Web) -> None:
    """What cannot be reached, line by line, and a summary."""
    status, shown = run_in_terminal(["sources", "verify", "--allow-private"])
    assert status == 0
    assert "Not Found" in shown
    assert "Checked 2 sources: 1 accessible, 1 not" in shown
    assert "--force" in run_in_terminal(["sources", "verify"])[1]


def test_an_interrupt_keeps_what_was_checked(db: Database, web: Web, tmp_path: Path) -> None:
    """Ctrl-C while a slow page is waited for: status 130, and what came before it is stored."""
    sources.source(db, "S0", "slow.example", url_pattern=web.url("/slow/30"))
    process = tmp_path / "process"

    def interrupt() -> None:
        deadline = time.monotonic() + 50
        while "/slow/30" not in web.paths() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(int(process.read_text()), signal.SIGINT)

    waiting = threading.Thread(target=interrupt)
    waiting.start()
    program = (
        f"import os, pathlib, runpy; pathlib.Path({str(process)!r}).write_text(str(os.getpid()))\n"
        "runpy.run_module('rekall', run_name='__main__')"
    )
    status, shown = run_in_terminal(["sources", "verify", "--allow-private"], program=program)
    waiting.join()
    assert status == 130, shown
    assert "what was checked is kept: 2 sources" in shown
    assert statuses(db) == [("S0", "active"), ("S1", "active"), ("S2", "inaccessible")]
