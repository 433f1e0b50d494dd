"""Rekall with one secret in every place where its debug log could pick it up, as programs of their own.

`python -c "from support.planted import NAME; NAME()" ARGUMENTS` runs one of `command_line`, `library`, `assistant`,
`faulty_assistant`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from rekall.errors import CacheUnavailableError, CannotOpenError, DatabaseBusyError
from rekall.infra import CacheBackend, DefaultCacheBackend, DefaultDatabaseBackend, Statement, register_backend
from rekall.infra.interfaces import Params, Row

SECRET = "plover7319"  # noqa: S105  # the secret of these tests
URL = f"rqlite://me:{SECRET}@db.example:4001/?token={SECRET}"
CONFIG = f"""
[backends]
database = "planted"
cache = "planted-cache"

[backends.database_options]
url = "{URL}"
password = "{SECRET}"
api_key = "{SECRET}"
dsn = "host=db.example password={SECRET} dbname=knowledge"
nodes = ["https://me:{SECRET}@one.example", "https://:{SECRET}@two.example:4001"]
headers = {{ Authorization = "Bearer {SECRET}", Cookie = "session={SECRET}" }}
fault = ""

[backends.cache_options]
url = "redis://:{SECRET}@cache.example/0"
"""


class _Refusals:
    """Fails the first call of each name, with the secret in the error and in what caused it."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error
        self._failed: set[str] = set()

    def fail_first(self, name: str, *values: object) -> None:
        if name not in self._failed:
            self._failed.add(name)
            try:
                raise KeyError(f"{SECRET} in the driver, with {values}")
            except KeyError as cause:
                raise self._error(f"{URL} did not answer: {SECRET}") from cause


class PlantedDatabase(DefaultDatabaseBackend):
    """SQLite that was given secrets and tells them in its errors."""

    options: ClassVar[Mapping[str, type] | None] = {
        "url": str,
        "password": str,
        "api_key": str,
        "dsn": str,
        "nodes": list,
        "headers": dict,
        "fault": str,
    }

    def __init__(self, path: Path, *, fault: str, **secrets: Any) -> None:
        super().__init__(path)
        self.secrets = secrets
        self._fault = fault
        if fault == "made":
            raise RuntimeError(f"{URL} cannot be used with {secrets}, that is with {SECRET}")
        self._refusals = _Refusals(DatabaseBusyError)

    def connect(self) -> None:
        if self._fault == "connect":
            raise CannotOpenError(f"{URL} refused the connection ({self.secrets}), that is {SECRET}")
        self._refusals.fail_first("connect")
        super().connect()

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        self._refusals.fail_first("fetch_one", query, params)
        return super().fetch_one(query, params)

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        if self._fault == "fetch_all":
            raise RuntimeError(f"{URL} in the driver, with {self.secrets}, that is with {SECRET}")
        self._refusals.fail_first("fetch_all", query, params)
        return super().fetch_all(query, params)

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        statements = list(statements)
        self._refusals.fail_first("execute_batch", statements)
        return super().execute_batch(statements)


class PlantedCache(DefaultCacheBackend):
    """A cache that was given a secret and tells it in its errors."""

    options: ClassVar[Mapping[str, type] | None] = {"url": str}

    def __init__(self, *, url: str) -> None:
        super().__init__()
        self.url = url
        self._refusals = _Refusals(CacheUnavailableError)

    def get(self, key: str, default: Any = None) -> Any:
        self._refusals.fail_first("get", key)
        return super().get(key, default)

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self._refusals.fail_first("set", key, value)
        super().set(key, value, ttl)


def _register() -> None:
    register_backend("planted", PlantedDatabase)
    register_backend("planted-cache", PlantedCache)


def command_line() -> None:
    """`rekall` with the arguments of the program."""
    from rekall.cli import main

    _register()
    main()


def library() -> None:
    """Everything that a program does with a base and a cache; prints nothing."""
    from rekall.capture import new_entry
    from rekall.db import Database
    from rekall.infra import get_cache

    _register()
    with Database(Path(sys.argv[1])) as db:
        entry = new_entry("bug", f"title {SECRET}", content=f"content {SECRET}", tags=[SECRET], project=SECRET)
        db.add(entry)
        assert len(db.search(SECRET)) == 1
        db.update(entry)
        db.delete(entry.id)
    cache: CacheBackend = get_cache()
    cache.set(f"key-{SECRET}", {SECRET: SECRET})
    assert cache.get(f"key-{SECRET}") == {SECRET: SECRET}


def assistant() -> None:
    """The MCP server."""
    from rekall.mcp.server import serve_stdio

    _register()
    serve_stdio()


def faulty_assistant() -> None:
    """An MCP server whose tools fail as no part of Rekall should."""
    from rekall.mcp.server import create_server

    def open_database() -> Any:
        private = SECRET
        try:
            raise KeyError(f"{private} in a key")
        except KeyError as cause:
            raise RuntimeError(f"{URL} and {SECRET}") from cause

    create_server(open_database).run("stdio", show_banner=False)
