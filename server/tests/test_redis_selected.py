"""Redis as the cache of Rekall Home, selected in its config.toml as any installed back end is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from server_support.bases import broad_base
from server_support.redis import RedisServer, free_port
from support.mcp_client import over_stdio

CONTEXT = {"situation": "login after the move", "solution": "send credentials", "trigger_keywords": ["cors"]}


@pytest.fixture
def home() -> Path:
    """Rekall's folder of this test."""
    folder = Path(os.environ["REKALL_HOME"])
    folder.mkdir()
    return folder


def select_redis(home: Path, *, policy: str = "raise", **options: Any) -> None:
    """What a user writes."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    text = "\n".join(
        ['[backends]\ncache = "redis"', f'cache_on_error = "{policy}"', "[backends.cache_options]", *lines, ""]
    )
    (home / "config.toml").write_text(text, encoding="utf-8")
    (home / "config.toml").chmod(0o600)


def rekall(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of Home."""
    command = [sys.executable, "-m", "rekall", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_work(home: Path, redis_server: RedisServer) -> None:
    """Found as an entry point; what is cached of a base stands under the prefix of its file."""
    select_redis(home, url=redis_server.url, timeout=2)
    added = rekall("add", "bug", "CORS in Safari", "--context-json", json.dumps(CONTEXT))
    assert (added.returncode, added.stderr) == (0, "")
    for _ in range(2):
        found = rekall("search", "cors")
        assert (found.returncode, found.stderr) == (0, "")
        assert "CORS in Safari" in found.stdout
    checked = rekall("backends", "--check")
    assert checked.returncode == 0, checked.stdout
    code = "from rekall.infra import get_cache; get_cache().set('by hand', 1, 60)"
    assert python(code).returncode == 0
    keys = redis_server.keys()
    assert all(re.match(r"rekall:[0-9a-f]{12}:12:", key) for key in keys)
    assert len({key.split(":")[1] for key in keys}) == 1
    assert any(key.endswith(":by hand") for key in keys)


@pytest.mark.parametrize("policy", ["raise", "bypass"])
def test_the_tools_over_stdio_keep_their_searches_there(home: Path, redis_server: RedisServer, policy: str) -> None:
    """A broad query is kept under the prefix of the base; with Redis gone it is told or done without, as is said."""
    select_redis(home, policy=policy, url=redis_server.url, timeout=0.5)
    broad_base(home / "knowledge.db")
    question = {"query": "timeout proxy", "limit": 20}
    with over_stdio(home / "log", home) as assistant:
        wanted = assistant.call("rekall_search", **question).data["results"]
        assert len(wanted) == 20
        keys = redis_server.keys()
        assert keys
        assert all(re.match(r"rekall:[0-9a-f]{12}:12:", key) for key in keys)
        redis_server.kill()
        if policy == "raise":
            refusal = assistant.refusal("rekall_search", **question)
            assert "Redis" in refusal
        else:
            assert assistant.call("rekall_search", **question).data["results"] == wanted
        redis_server.restart()
        # asked again until the pause is over
        assert answered(
            lambda: assistant.call("rekall_search", **question).data["results"] == wanted and redis_server.keys()
        )


def test_redis_is_down(home: Path) -> None:
    """The check says in one line where nobody listens, and what to do; no password is shown, and nothing hangs."""
    port = free_port()
    select_redis(home, url=f"redis://user:hidden@127.0.0.1:{port}/0")
    checked = rekall("backends", "--check")
    assert checked.returncode == 1
    (line,) = [line for line in checked.stdout.splitlines() if line.startswith("failure")]
    assert f"Redis at 127.0.0.1:{port} cannot be reached (connection refused): start it, or correct redis_url" in line
    assert "backends.cache" in line
    assert "hidden" not in checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "http://127.0.0.1"}, "url is no URL of Redis: it begins with none of redis://, rediss:// and unix://"),
        ({"url": "redis://user:hidden@host:many"}, "url is no URL of Redis: its host or port cannot be read"),
        ({"timeout": 60}, "timeout is 60: give seconds above 0 and up to 3"),
        ({"prefix": ""}, "prefix is empty"),
        ({"host": "localhost"}, "backends.cache_options.host: unknown option"),
        ({"url": 6379}, "backends.cache_options.url"),
    ],
)
def test_wrong_options(home: Path, options: dict[str, Any], says: str) -> None:
    """One line that names the file, the option and the mend, when the cache is asked for."""
    select_redis(home, **options)
    asked = python("from rekall.infra import get_cache; get_cache()")
    error = asked.stderr.splitlines()[-1]
    assert "rekall.errors.ConfigError: " in error
    assert str(home / "config.toml") in error
    assert says in error
    assert "hidden" not in asked.stderr


def test_redis_is_imported_only_when_it_is_selected(home: Path, redis_server: RedisServer) -> None:
    """The driver takes longer to import than a command runs."""
    code = "import sys; from rekall.infra import get_cache; get_cache(); print('redis' in sys.modules)"
    assert python(code).stdout == "False\n"
    select_redis(home, url=redis_server.url)
    assert python(code).stdout == "True\n"


def python(code: str) -> subprocess.CompletedProcess[str]:
    """A program that uses Rekall."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def answered(ask: Callable[[], Any]) -> Any:
    """The first answer that is neither an error nor empty, within 10 s."""
    deadline = time.monotonic() + 10
    while True:
        try:
            if answer := ask():
                return answer
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline
        time.sleep(0.05)
