"""An answer always has what was written before it was asked for, by whomever, in whichever process it is computed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from server_support.bases import broad_base
from server_support.redis import RedisServer
from server_support.server import RunningServer, home_command, running

QUERY = "timeout proxy"
"""A broad query, whose result is kept."""
TITLE = " ".join([QUERY] * 4)
"""Of the best hit: it says it more often than any other."""
CONTEXT = {"situation": "the export stalls", "solution": "stream the rows", "trigger_keywords": ["export", "stall"]}


@pytest.mark.parametrize("cache", ["local", "redis"])
def test_never_stale(tmp_path: Path, redis_server: RedisServer, cache: str) -> None:
    """Two workers, each with kept results: entries come, change and go by other workers, Home, and raw SQL."""
    base = broad_base(tmp_path / "base.db")
    chosen = ["--cache-backend", cache] + (["--redis-url", redis_server.url] if cache == "redis" else [])
    with running(tmp_path, "--database", str(base), "--workers", "2", *chosen) as server:
        for turn in range(4):
            assert _titles(server) == _titles(server)  # kept by now
            over_http = f"{TITLE} over http {turn}"
            added = server.call("rekall_add", {"type": "bug", "title": over_http, "context": CONTEXT})
            _assert_found(server, over_http)
            by_home = f"{TITLE} by home {turn}"
            home_command(
                tmp_path, "add", "bug", by_home, "--context-json", json.dumps(CONTEXT), REKALL_DB_PATH=str(base)
            )
            _assert_found(server, by_home)
            with closing(sqlite3.connect(base)) as other, other:
                other.execute("UPDATE entries SET title = 'something else' WHERE title = ?", (by_home,))
            _assert_gone(server, by_home)
            _assert_found(server, over_http)
            server.call("rekall_delete", {"id": added.structured_content["id"], "confirm": True})
            _assert_gone(server, over_http)


def _assert_found(server: RunningServer, title: str) -> None:
    assert [title in _titles(server) for _ in range(4)] == [True] * 4


def _assert_gone(server: RunningServer, title: str) -> None:
    assert [title in _titles(server) for _ in range(4)] == [False] * 4


def _titles(server: RunningServer) -> list[str]:
    """The titles of the best hits, asked for on a connection of its own, which any worker may take."""
    answer = server.post("rekall_search", {"query": QUERY, "limit": 20}).json()["result"]
    return [hit["title"] for hit in answer["structuredContent"]["results"]]
