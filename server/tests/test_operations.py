"""What an operator sees of a real server: one line a request, and figures that add up over the workers."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from server_support.figures import figures
from server_support.mcp_http import CONTEXT, Caller, new_token, text_of
from server_support.redis import RedisServer
from server_support.server import RunningServer, running


def events(server: RunningServer, name: str) -> list[dict[str, Any]]:
    """The lines of the log with this event; each line must be JSON."""
    return [event for event in map(json.loads, list(server.log)) if event["event"] == name]


def wait_for_events(server: RunningServer, name: str, number: int) -> list[dict[str, Any]]:
    """The same, once there are so many."""
    deadline = time.monotonic() + 20
    while len(found := events(server, name)) < number:
        assert time.monotonic() < deadline, server.log
        time.sleep(0.01)
    return found


def test_one_line_a_request(tmp_path: Path) -> None:
    """It says who asked what, how it ended and how long it took, with the number that the client was given."""
    token = new_token(tmp_path, "anna")
    with running(tmp_path) as server:
        caller = Caller(server.port, token)
        caller.add("the pool is exhausted")
        caller.tool("rekall_search", {"X-Request-ID": "trace-1"}, query="pool")
        caller.tool("rekall_show", id="none")
        caller.rpc("tools/list", {})
        caller.ask("GET", "/nowhere?token=secret")
        Caller(server.port).rpc("tools/list", {})
        for _ in range(5):
            caller.ask("GET", "/ready")
        lines = wait_for_events(server, "request", 6)
        assert [line["request_id"] for line in lines] == [
            answer.headers["x-request-id"] for answer in caller.answers[:5]
        ] + [lines[5]["request_id"]]
        assert lines[1]["request_id"] == "trace-1"
        assert [(line["method"], line["path"], line["status"]) for line in lines] == [
            *[("POST", "/mcp", 200)] * 4,
            ("GET", "/nowhere", 404),
            ("POST", "/mcp", 401),
        ]
        assert [(line.get("tool"), line.get("outcome")) for line in lines[:4]] == [
            ("rekall_add", "ok"),
            ("rekall_search", "ok"),
            ("rekall_show", "refused"),
            (None, None),
        ]
        assert [line.get("client") for line in lines] == [*["anna"] * 5, None]
        assert {line["pid"] for line in lines} == {server.process.pid}
        assert all(0 < line["ms"] < 20_000 for line in lines)
        assert server.stop() == 0
        assert len(events(server, "request")) == 6  # the probes would fill the log


def test_the_figures_of_two_workers(tmp_path: Path) -> None:
    """Whichever worker answers gives the sum: every call counts once, also after a worker was killed and replaced."""
    with running(tmp_path, "--workers", "2") as server:
        caller = Caller(server.port)
        calls = 0
        workers: set[int] = set()
        while len(workers) < 2:
            assert calls < 1000, "one worker takes all connections"
            at_once = [threading.Thread(target=_add_and_search, args=(server, f"deadlock {n}")) for n in range(10)]
            for thread in at_once:
                thread.start()
            for thread in at_once:
                thread.join(30)
            calls += len(at_once)
            workers = {line["pid"] for line in wait_for_events(server, "request", 2 * calls)}
        caller.tool("rekall_show", id="none")
        for _ in range(10):
            found = figures(caller.ask("GET", "/metrics").body.decode())
            assert found['rekall_tool_calls_total{outcome="ok",tool="rekall_add"}'] == calls
            assert found['rekall_tool_calls_total{outcome="ok",tool="rekall_search"}'] == calls
            assert found['rekall_tool_calls_total{outcome="refused",tool="rekall_show"}'] == 1
            assert found['rekall_tool_call_duration_seconds_count{tool="rekall_add"}'] == calls
            assert found["rekall_workers"] == 2
        assert found['rekall_http_responses_total{status="2xx"}'] > 2 * calls
        writes = 'rekall_backend_call_duration_seconds_count{backend="pooled",operation="execute_batch",outcome="ok"}'
        assert found[writes] >= calls
        os.kill(workers.pop(), signal.SIGKILL)
        deadline = time.monotonic() + 30
        while True:
            found = _figures_if_served(caller)
            if found.get("rekall_workers") == 2 and _living(server) >= 2:
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert found['rekall_tool_calls_total{outcome="ok",tool="rekall_search"}'] == calls
        folder = _metrics_folder(server)
        assert folder.exists()
        assert server.stop() == 0
        assert not folder.exists()


def test_no_label_is_what_somebody_wrote(tmp_path: Path) -> None:
    """Unknown tools, methods, paths and ids leave no label behind."""
    with running(tmp_path) as server:
        caller = Caller(server.port)
        for text in ("written-by-a-user", "written_by_another"):
            caller.rpc("tools/call", {"name": text, "arguments": {}})
            caller.rpc(text, {})
            caller.ask("GET", f"/{text}")
            caller.ask("PATCH", "/mcp")
            caller.tool("rekall_show", id=text)
            caller.tool("rekall_search", query=text, project=text, type=text)
        text = caller.ask("GET", "/metrics").body.decode()
        assert "written" not in text
        names = {re.split(r"[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")}
        assert all(name.startswith("rekall_") for name in names)


def test_retries_and_waits_are_seen(tmp_path: Path) -> None:
    """A database that is locked by another program: attempts, what became of the call, and its line in the log."""
    with running(tmp_path) as server:
        caller = Caller(server.port)
        caller.add("the first")
        database = next(tmp_path.rglob("knowledge.db"))
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            result = caller.tool("rekall_add", type="bug", title="the second", context=CONTEXT)
            other.execute("ROLLBACK")
        assert result["isError"]
        number = caller.answers[-1].headers["x-request-id"]
        assert "unavailable" in text_of(result)
        assert number in text_of(result)
        found = figures(caller.ask("GET", "/metrics").body.decode())
        assert found['rekall_tool_calls_total{outcome="unavailable",tool="rekall_add"}'] == 1
        assert found['rekall_backend_retries_total{backend="pooled",operation="together"}'] >= 1
        failed = [event for event in events(server, "call.failed") if event.get("request_id") == number]
        assert [event["error"] for event in failed] == ["DatabaseBusyError"]


def test_hits_of_the_cache_are_seen(tmp_path: Path, redis_server: RedisServer) -> None:
    """A broad search asked again is found in Redis, which the figures tell, as they do when Redis fails."""
    with running(tmp_path, "--redis-url", redis_server.url, "--cache-on-error", "bypass") as server:
        caller = Caller(server.port)
        for number in range(300):
            caller.add(f"deadlock number {number} of the export behind the proxy")
        for _ in range(3):
            caller.tool("rekall_search", query="deadlock export proxy number", limit=50)
        found = figures(caller.ask("GET", "/metrics").body.decode())
        hits, misses = (
            found.get(f'rekall_cache_gets_total{{backend="redis",result="{result}"}}', 0) for result in ("hit", "miss")
        )
        calls = found['rekall_backend_call_duration_seconds_count{backend="redis",operation="get",outcome="ok"}']
        assert hits + misses == calls
        assert hits >= 1
        redis_server.kill()
        for _ in range(3):
            result = caller.tool("rekall_search", query="deadlock export proxy number", limit=50)
            assert not result.get("isError"), result
        found = figures(caller.ask("GET", "/metrics").body.decode())
        assert found['rekall_cache_failures_total{answer="bypassed",backend="redis"}'] >= 1
        assert found["rekall_cache_failing"] == 1
        assert caller.ask("GET", "/ready").json["cache"]["bypassed"] is True


def test_what_users_write_is_not_logged(tmp_path: Path) -> None:
    """At no level, with debug on, in no line: not what was stored, searched or asked for, be it right or wrong."""
    with running(tmp_path, "--log-level", "debug", "--debug") as server:
        caller = Caller(server.port)
        caller.add("zebra one", content="zebra two", tags=["zebra"], project="zebra")
        for query in ("zebra", "zebra AND (", "zebra*"):
            caller.tool("rekall_search", query=query)
        for wrong in ({"id": "zebra"}, {"id": ["zebra"]}, {"zebra": "zebra"}):
            caller.tool("rekall_show", **wrong)
        caller.rpc("resources/read", {"uri": "rekall://entry/zebra"})
        caller.rpc("prompts/get", {"name": "zebra"})
        caller.rpc("tools/call", {"name": "zebra"})
        caller.rpc("zebra", {"zebra": "zebra"})
        assert server.stop() == 0
    log = "".join(server.log)
    assert sum(line["path"] == "/mcp" for line in events(server, "request")) == 11
    assert "zebra" not in log, [line for line in server.log if "zebra" in line]


def test_the_debug_log_goes_on(tmp_path: Path) -> None:
    """With debug on, Home's events of back-end calls stand beside the server's lines on stderr, each a line of JSON."""
    with running(tmp_path, "--debug") as server:
        caller = Caller(server.port)
        writers = [threading.Thread(target=caller.add, args=(f"entry {number}",)) for number in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(20)
        assert server.stop() == 0
        calls = events(server, "backend.call")
        assert {call["backend"] for call in calls} >= {"pooled"}
        assert len(events(server, "request")) == 8
        assert events(server, "backend.summary")


def _add_and_search(server: RunningServer, title: str) -> None:
    caller = Caller(server.port)
    caller.add(title)
    caller.tool("rekall_search", query="deadlock")


def _figures_if_served(caller: Caller) -> dict[str, float]:
    try:
        return figures(caller.ask("GET", "/metrics").body.decode())
    except OSError:
        return {}


def _living(server: RunningServer) -> int:
    return sum("spawn_main" in text for text in _commands_of_children(server.process.pid))


def _commands_of_children(pid: int) -> list[str]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path(f"/proc/{child}/cmdline").read_bytes().decode() for child in children]


def _metrics_folder(server: RunningServer) -> Path:
    """Where the workers count, as the one that lives was told."""
    for child in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split():
        found = re.search(rb"PROMETHEUS_MULTIPROC_DIR=([^\0]+)", Path(f"/proc/{child}/environ").read_bytes())
        if found is not None:
            return Path(found[1].decode())
    raise AssertionError("no worker was told where to count")
