"""Probes: alive, ready and the figures; with which back ends, for whom, and without being a load."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from server_support.asgi import Served, served
from server_support.redis import RedisServer
from starlette.applications import Starlette

from rekall.infra.defaults import DefaultCacheBackend
from rekall.infra.interfaces import CacheBackend, DatabaseBackend
from rekall_server.backends.pooled_db import PooledDatabaseBackend
from rekall_server.backends.redis_cache import RedisCacheBackend
from rekall_server.metrics import Metrics
from rekall_server.probes import routes
from rekall_server.token_verifier import DigestVerifier
from rekall_server.tokens import TokenFile


class Process:
    """What the probes look at: real back ends.

    Args:
        database: asked whether it answers.
        cache: asked too.
        verifier: knows tokens.
        bypasses_cache: the cache may fail.
    """

    def __init__(
        self,
        database: DatabaseBackend,
        cache: CacheBackend,
        verifier: DigestVerifier | None = None,
        *,
        bypasses_cache: bool = False,
    ) -> None:
        self.metrics = Metrics()
        self.verifier = verifier
        self.bypasses_cache = bypasses_cache
        self.database_name, self.cache_name = "pooled", "redis"
        self._database, self._cache = database, cache

    def database(self) -> DatabaseBackend:
        """The database."""
        return self._database

    def cache(self) -> CacheBackend:
        """The cache."""
        return self._cache


class Counting(DefaultCacheBackend):
    """A cache whose check counts, and takes as long as it is told."""

    def __init__(self, seconds: float = 0) -> None:
        super().__init__()
        self.checks = 0
        self.ended = threading.Event()
        self._seconds = seconds

    def check(self) -> None:
        """Take time."""
        self.checks += 1
        self.ended.wait(self._seconds)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[PooledDatabaseBackend]:
    """A file that is served."""
    backend = PooledDatabaseBackend(tmp_path / "here" / "knowledge.db", pool_size=2)
    backend.path.parent.mkdir()
    backend.connect()
    yield backend
    backend.close()


@contextmanager
def probed(process: Process) -> Iterator[Served]:
    """The three probes on a socket."""
    with served(Starlette(routes=routes(process))) as server:
        yield server


def eventually(server: Served, status: int, headers: dict[str, str] | None = None) -> Any:
    """What `/ready` says when it has this status; an answer counts for a second."""
    deadline = time.monotonic() + 20
    while True:
        answer = server.ask("GET", "/ready", headers=headers)
        if answer.status == status:
            return answer.json
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)


def test_ready_on_this_machine(database: PooledDatabaseBackend) -> None:
    """Without tokens, whoever is on this machine is told all, and given the figures."""
    with probed(Process(database, DefaultCacheBackend())) as server:
        assert server.ask("GET", "/health").json == {"status": "alive"}
        answer = server.ask("GET", "/ready")
        assert (answer.status, answer.json) == (
            200,
            {
                "status": "ready",
                "database": {"backend": "pooled", "ok": True, "text": ""},
                "cache": {"backend": "redis", "ok": True, "text": "", "bypassed": False},
            },
        )
        figures = server.ask("GET", "/metrics")
        assert figures.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert b"# TYPE rekall_tool_calls_total counter" in figures.body


def test_with_tokens_strangers_are_told_one_word(database: PooledDatabaseBackend, tmp_path: Path) -> None:
    """Details and figures are for who has a token, read-only or not; whether it is ready is for everybody."""
    tokens = TokenFile(tmp_path / "tokens.toml")
    known = [tokens.new("anna"), tokens.new("prometheus", read_only=True)]
    with probed(Process(database, DefaultCacheBackend(), DigestVerifier(tokens))) as server:
        for wrong in (None, "Bearer x", f"Basic {known[0]}", known[0], "Bearer"):
            headers = {} if wrong is None else {"Authorization": wrong}
            assert server.ask("GET", "/ready", headers=headers).json == {"status": "ready"}
            answer = server.ask("GET", "/metrics", headers=headers)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        for token in known:
            headers = {"Authorization": f"Bearer {token}"}
            assert server.ask("GET", "/ready", headers=headers).json["database"]["ok"] is True
            assert server.ask("GET", "/metrics", headers=headers).status == 200


def test_a_database_that_was_taken_away(database: PooledDatabaseBackend, tmp_path: Path) -> None:
    """It is not ready, and says why without saying where; alive it is."""
    with probed(Process(database, DefaultCacheBackend())) as server:
        assert server.ask("GET", "/ready").status == 200
        database.path.unlink()
        answer = eventually(server, 503)
        assert (answer["status"], answer["database"]["ok"], answer["cache"]["ok"]) == ("not ready", False, True)
        assert answer["database"]["text"]
        assert str(tmp_path) not in str(answer)
        assert "here" not in str(answer)
        assert server.ask("GET", "/health").status == 200


@pytest.mark.parametrize("bypasses", [False, True])
def test_redis_goes_and_comes_back(database: PooledDatabaseBackend, redis_server: RedisServer, bypasses: bool) -> None:
    """Without Redis it is not ready, unless the cache may be bypassed, which it tells; with Redis it is ready again."""
    cache = RedisCacheBackend(redis_server.url, prefix="probes", timeout=0.5)
    with probed(Process(database, cache, bypasses_cache=bypasses)) as server:
        assert server.ask("GET", "/ready").json["cache"]["ok"] is True
        redis_server.kill()
        deadline = time.monotonic() + 20
        while (answer := server.ask("GET", "/ready")).json["cache"]["ok"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert answer.status == (200 if bypasses else 503)
        assert answer.json["cache"]["bypassed"] is bypasses
        assert answer.json["database"]["ok"] is True
        assert "redis" in answer.json["cache"]["text"].lower()
        redis_server.restart()
        deadline = time.monotonic() + 20
        while not (answer := server.ask("GET", "/ready")).json["cache"]["ok"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (answer.status, answer.json["cache"]["bypassed"]) == (200, False)
    cache.close()


def test_many_who_ask_are_no_load(database: PooledDatabaseBackend) -> None:
    """However many ask, and however long the back end takes, it is asked by one at a time and once a second."""
    cache = Counting(seconds=0.3)
    with probed(Process(database, cache)) as server:
        answers: list[int] = []
        asking = [
            threading.Thread(target=lambda: answers.append(server.ask("GET", "/ready").status)) for _ in range(40)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(20)
        assert answers == [200] * 40
        assert cache.checks <= 2


def test_a_back_end_that_hangs(database: PooledDatabaseBackend) -> None:
    """The answer comes in bounded time and says so; nobody else is asked to hang as well; the end waits for none."""
    cache = Counting(seconds=60)
    with probed(Process(database, cache)) as server:
        answer = server.ask("GET", "/ready")
        assert answer.status == 503
        assert "2 seconds" in answer.json["cache"]["text"]
        for _ in range(20):
            assert server.ask("GET", "/ready").status == 503
            assert server.ask("GET", "/health").status == 200
        assert cache.checks == 1
        cache.ended.set()
        eventually(server, 200)
    assert not [thread for thread in threading.enumerate() if thread.name == "rekall-server-check"]


def test_a_back_end_of_another_author_that_raises_anything(database: PooledDatabaseBackend) -> None:
    """It is not ready; the text of a foreign error may hold anything, and is not shown."""

    class Foreign(DefaultCacheBackend):
        def check(self) -> None:
            raise KeyError("the secret")

    with probed(Process(database, Foreign())) as server:
        answer = eventually(server, 503)
        assert answer["cache"]["text"] == "the check failed: KeyError"
