"""Errors that docs/errors.md shows as Python raises them: a program of a few lines for each, run in a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.error_scenes import MISSING, Prepare, base, constant, environment, package, plugin

_HEAD = """\
import sqlite3
from pathlib import Path

from rekall.db import Database
from rekall.errors import RekallError
from rekall.infra import DatabaseBackend, DefaultDatabaseBackend, Result, Statement, get_cache

path = Path.cwd() / "knowledge.db"
back_end = DefaultDatabaseBackend(path, busy_timeout=0)


def provoke():
"""
_TAIL = """

try:
    provoke()
except RekallError as error:
    print(f"{type(error).__name__}: {error}")
"""
_CONNECTED = "    back_end.connect()\n"

_CACHE = """\
from rekall.errors import CacheUnavailableError
from rekall.infra import DefaultCacheBackend


class Acme(DefaultCacheBackend):
    interface_version = 1

    def get(self, key, default=None):
        raise {error}
"""


_ASK = """\
    import anyio
    from fastmcp import Client
    from rekall.mcp.server import create_server

    def open_database():
        raise KeyError("what no part of Rekall should raise")

    async def ask():
        async with Client(create_server(open_database)) as client:
            result = await client.call_tool("{tool}", {arguments}, raise_on_error=False)
            print(result.content[0].text)

    anyio.run(ask)
"""


def _nothing(_: Path) -> None: ...


TEXTS: dict[str, tuple[Prepare, str]] = {
    "locked": (
        base,
        """\
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    back_end.connect()
    back_end.execute("DELETE FROM entries")
""",
    ),
    "read-only": (
        base,
        _CONNECTED
        + """\
    back_end.connection.execute("PRAGMA query_only = 1")
    back_end.execute("DELETE FROM entries")
""",
    ),
    "disk-full": (
        base,
        _CONNECTED
        + """\
    back_end.connection.execute("PRAGMA max_page_count = 1")
    back_end.execute("CREATE TABLE more (x)")
""",
    ),
    "query": (base, _CONNECTED + '    back_end.fetch_all("SELECT titel FROM entries")\n'),
    "transaction": (base, _CONNECTED + '    back_end.execute("BEGIN")\n'),
    "integrity": (base, _CONNECTED + '    back_end.execute("INSERT INTO entries SELECT * FROM entries")\n'),
    "guard": (
        base,
        _CONNECTED + "    back_end.execute_batch([Statement(\"DELETE FROM entries WHERE id = 'x'\", expect=1)])\n",
    ),
    "closed": (base, '    back_end.fetch_all("SELECT 1")\n'),
    "closed-database": (base, '    Database(path).search("cors")\n'),
    "no-backup": (
        _nothing,
        """\
    class Acme(DatabaseBackend):
        def connect(self): ...
        def close(self): ...
        def is_connected(self): return True
        def execute(self, query, params=None): return Result(0)
        def fetch_one(self, query, params=None): ...
        def fetch_all(self, query, params=None): return []

    Acme().backup(Path("copy.db"))
""",
    ),
    "not-json-safe": (_nothing, '    get_cache().set("key", {1, 2})\n'),
    "cache-breach": (
        plugin(_CACHE.format(error='KeyError("host")'), kind="cache"),
        '    get_cache().get("key")\n',
    ),
    "cache-unreachable": (
        plugin(_CACHE.format(error='CacheUnavailableError("acme.example:6379 refuses connections")'), kind="cache"),
        '    get_cache().get("key")\n',
    ),
    "numpy": (
        package("numpy", MISSING),
        "    from rekall.store.vectors import matrix\n    matrix([])\n",
    ),
    "fetch": (
        _nothing,
        '    from rekall.safe_http import SafeHttp\n    SafeHttp().status("http://localhost:8080/admin")\n',
    ),
    "mcp-arguments": (_nothing, _ASK.format(tool="rekall_search", arguments={"limit": "many"})),
    "mcp-internal": (_nothing, _ASK.format(tool="rekall_info", arguments={})),
}
"""By the name that the page gives in a comment before the block: what is there before, and what is done."""


def text_of(name: str, folder: Path) -> str:
    """What one of the programs prints: the class of the error and its text.

    Args:
        name: of the program.
        folder: an empty one.
    """
    prepare, code = TEXTS[name]
    prepare(folder)
    done = subprocess.run(
        [sys.executable, "-c", _HEAD + code + _TAIL],
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return constant(done.stdout, folder).rstrip("\n")
