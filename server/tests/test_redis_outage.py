"""Redis goes away and comes back while a hundred clients are served: no wrong answer, no acknowledged write lost."""

from __future__ import annotations

import itertools
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from server_support.bases import WORDS, broad_base
from server_support.redis import RedisServer
from server_support.server import RunningServer, connected, running

CLIENTS = 100
PAIRS = list(itertools.combinations(WORDS, 2))


class Drill:
    """What a hundred clients were told.

    Args:
        server: serves them.
        expected: the ids that each query must find.
    """

    def __init__(self, server: RunningServer, expected: dict[str, list[str]]) -> None:
        self.server = server
        self.expected = expected
        self.phase = "before"
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.errors: set[str] = set()
        self.wrong: list[str] = []
        self.acknowledged: list[str] = []
        self.stop = False

    async def client(self, number: int) -> None:
        """One client: searches what many ask for, now and then writes, and looks for what it wrote."""
        async with connected(self.server.url) as session:
            for turn in itertools.count():
                if self.stop:
                    return
                query = " ".join(PAIRS[(number * 7 + turn) % len(PAIRS)])
                phase = self.phase
                found = await session.call_tool("rekall_search", {"query": query, "limit": 20})
                if self._went_well(phase, found):
                    ids = [hit["id"] for hit in found.structured_content["results"]]
                    if ids != self.expected[query]:
                        self.wrong.append(f"{query}: {ids}")
                if turn % 5 == 0:
                    await self._write(session, f"client{number}turn{turn}")

    async def _write(self, session: Any, word: str) -> None:
        phase = self.phase
        added = await session.call_tool("rekall_add", {"type": "bug", "title": word, "context": {**CONTEXT}})
        if self._went_well(phase, added):
            self.acknowledged.append(word)
            phase = self.phase
            found = await session.call_tool("rekall_search", {"query": word})
            if self._went_well(phase, found) and not found.structured_content["results"]:
                self.wrong.append(f"{word} is not found")

    def _went_well(self, phase: str, answer: Any) -> bool:
        phase = phase if phase == self.phase else "turning"  # a call may begin in one and end in the other
        self.outcomes[phase, "error" if answer.is_error else "ok"] += 1
        if answer.is_error:
            self.errors.add(answer.content[0].text)
        return not answer.is_error

    async def run(self, kill: Callable[[], None], restart: Callable[[], None]) -> None:
        """All clients at once, through the outage and beyond."""
        async with anyio.create_task_group() as group:
            for number in range(CLIENTS):
                group.start_soon(self.client, number)
            await self._until(lambda: self.outcomes["before", "ok"] > 3 * CLIENTS)
            self.phase = "turning"
            await anyio.to_thread.run_sync(kill)
            await anyio.sleep(2)
            self.phase = "without"
            await self._until(lambda: sum(self.outcomes["without", one] for one in ("ok", "error")) > 5 * CLIENTS)
            self.phase = "turning"
            await anyio.to_thread.run_sync(restart)
            await anyio.sleep(6)
            self.phase = "after"
            await self._until(lambda: self.outcomes["after", "ok"] > 3 * CLIENTS)
            self.stop = True

    @staticmethod
    async def _until(condition: Callable[[], bool]) -> None:
        with anyio.fail_after(60):
            while not condition():
                await anyio.sleep(0.05)


CONTEXT = {"situation": "a drill of outages", "solution": "start it again", "trigger_keywords": ["drill", "outage"]}


@pytest.mark.parametrize("policy", ["raise", "bypass"])
def test_redis_is_killed(tmp_path: Path, redis_server: RedisServer, policy: str) -> None:
    """Three attempts, then errors that say so ("raise") or none at all ("bypass"); recovery by itself."""
    base = broad_base(tmp_path / "base.db")
    with running(tmp_path, *_arguments(base, redis_server), "--cache-on-error", policy) as server:
        expected = {" ".join(pair): _ids(server, " ".join(pair)) for pair in PAIRS}
        assert _keys(redis_server)
        drill = Drill(server, expected)
        anyio.run(drill.run, redis_server.kill, redis_server.restart)
        assert drill.wrong == []
        assert drill.outcomes["before", "error"] == drill.outcomes["after", "error"] == 0
        if policy == "bypass":
            assert not drill.errors
            assert _metric(server, r'rekall_cache_failures_total{.*answer="bypassed"') > 0
        else:
            assert drill.outcomes["without", "error"] > 0
            assert {re.sub(r"\(request .*\)", "", text).strip() for text in drill.errors} == {
                "the service is unavailable: try again in a moment"
            }
        assert _metric(server, "rekall_backend_retries_total") >= 2
        _assert_each_once(base, drill.acknowledged)
        assert server.process.poll() is None


def test_the_first_repeated_query_after_a_restart_is_a_hit(tmp_path: Path, redis_server: RedisServer) -> None:
    """What a server has put into Redis the next one finds there."""
    base = broad_base(tmp_path / "base.db")
    with running(tmp_path, *_arguments(base, redis_server)) as server:
        first = _ids(server, "timeout proxy")
        assert server.stop() == 0
    assert _keys(redis_server)
    with running(tmp_path, *_arguments(base, redis_server)) as server:
        assert _ids(server, "timeout proxy") == first
        assert _metric(server, r'rekall_cache_gets_total{.*result="hit"') == 1


def _arguments(base: Path, redis_server: RedisServer) -> list[str]:
    return ["--database", str(base), "--cache-backend", "redis", "--redis-url", redis_server.url]


def _ids(server: RunningServer, query: str) -> list[str]:
    found = server.call("rekall_search", {"query": query, "limit": 20})
    assert not found.is_error, found
    return [hit["id"] for hit in found.structured_content["results"]]


def _keys(redis_server: RedisServer) -> list[bytes]:
    import redis

    with redis.Redis.from_url(redis_server.url) as client:
        return list(client.scan_iter("rekall:*"))


def _metric(server: RunningServer, name: str) -> float:
    text = httpx2.get(f"{server.url}/metrics", timeout=10).text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if re.match(name, line))


def _assert_each_once(base: Path, words: list[str]) -> None:
    deadline = time.monotonic() + 10
    while True:
        with closing(sqlite3.connect(base)) as connection:
            stored = Counter(title for (title,) in connection.execute("SELECT title FROM entries"))
        if all(stored[word] == 1 for word in words) or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert [word for word in words if stored[word] != 1] == []
