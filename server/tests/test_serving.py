"""A team's server as its users meet it: started with nothing configured, called by the official client of MCP."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import httpx2
from server_support.server import RunningServer, connected, home_command, running


def titles(home: Path) -> set[str]:
    """The titles of all entries, read by the Home command line."""
    exported = home / "all.json"
    home_command(home, "export", str(exported), "--format", "json")
    return {entry["title"] for entry in json.loads(exported.read_text())}


def add(server: RunningServer, title: str, **more: Any) -> str:
    """The id of an entry that was added over HTTP."""
    answer = server.call("rekall_add", {"type": "bug", "title": title, "content": f"about {title}", **CONTEXT, **more})
    assert not answer.is_error, answer
    return str(answer.structured_content["id"])


CONTEXT = {
    "context": {
        "situation": "the export stalls behind the proxy",
        "solution": "stream the rows",
        "trigger_keywords": ["export", "proxy"],
    }
}


def test_nothing_configured(tmp_path: Path) -> None:
    """It says where it listens and what to paste; the official client adds, searches and shows."""
    with running(tmp_path) as server:
        said = "".join(server.output)
        assert f"http://127.0.0.1:{server.port}/mcp" in said
        assert "pooled" in said
        assert "local" in said
        pasted = json.loads(said[said.index("{") : said.rindex("}") + 1])
        assert pasted["mcpServers"]["rekall"]["url"] == f"{server.url}/mcp"
        entry_id = add(server, "The connection pool is exhausted")
        found = server.call("rekall_search", {"query": "pool exhausted"})
        assert [hit["id"] for hit in found.structured_content["results"]] == [entry_id]
        shown = server.call("rekall_show", {"id": entry_id})
        assert "The connection pool is exhausted" in shown.content[0].text
        assert server.stop() == 0
    assert home_command(tmp_path, "show", entry_id)


def test_ten_clients_at_once(tmp_path: Path) -> None:
    """Ten clients that add, search and show at once on the defaults meet no error."""

    async def client(server: RunningServer, number: int) -> None:
        async with connected(server.url) as session:
            for turn in range(5):
                title = f"client{number} turn{turn} deadlock"
                added = await session.call_tool("rekall_add", {"type": "bug", "title": title, **CONTEXT})
                assert not added.is_error, added
                found = await session.call_tool("rekall_search", {"query": f"client{number} turn{turn}"})
                assert not found.is_error, found
                assert found.structured_content is not None
                assert title in [hit["title"] for hit in found.structured_content["results"]]
                shown = await session.call_tool("rekall_show", {"id": added.structured_content["id"]})
                assert not shown.is_error, shown

    async def all_at_once(server: RunningServer) -> None:
        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(client, server, number)

    with running(tmp_path) as server:
        anyio.run(all_at_once, server)
    assert len(titles(tmp_path)) == 50


def test_the_home_command_line_beside_it(tmp_path: Path) -> None:
    """A Home file is served, written by Home commands meanwhile, and used by Home afterwards: nothing is lost."""
    home_command(tmp_path, "add", "bug", "before the server", "--context-json", json.dumps(CONTEXT["context"]))
    with running(tmp_path) as server:
        written: list[str] = []

        def by_home() -> None:
            for number in range(6):
                title = f"by home {number}"
                home_command(tmp_path, "add", "bug", title, "--context-json", json.dumps(CONTEXT["context"]))
                written.append(title)

        thread = threading.Thread(target=by_home)
        thread.start()
        for number in range(60):
            title = f"over http {number}"
            add(server, title)
            written.append(title)
        thread.join()
        assert len(written) == 66
        found = server.call("rekall_search", {"query": "home", "limit": 50})
        assert len(found.structured_content["results"]) == 6
    assert titles(tmp_path) == {"before the server", *written}


def test_several_workers(tmp_path: Path) -> None:
    """Two processes take the connections; what one has written the other finds, and SIGTERM ends both."""
    with running(tmp_path, "--workers", "2") as server:
        for number in range(20):
            add(server, f"worker entry {number}")
            found = server.call("rekall_search", {"query": f"worker entry {number}", "limit": 30})
            assert any(hit["title"] == f"worker entry {number}" for hit in found.structured_content["results"])
        children = _children(server.process.pid)
        assert len(children) >= 2
        assert server.stop() == 0
        _wait_for(lambda: not any(map(_is_alive, children)))


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """A parent that is killed leaves no worker behind."""
    with running(tmp_path, "--workers", "2") as server:
        children = _children(server.process.pid)
        server.stop(signal.SIGKILL)
        _wait_for(lambda: not any(map(_is_alive, children)))


def test_sigterm_lets_calls_end(tmp_path: Path) -> None:
    """A write that is in flight when SIGTERM comes is answered, and done."""
    with running(tmp_path) as server:
        add(server, "the first one")
        database = next(tmp_path.rglob("*.db"))
        answers: list[Any] = []
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            caller = threading.Thread(target=lambda: answers.append(server.post("rekall_add", _entry("the last one"))))
            caller.start()
            _wait_for(lambda: _in_flight(server) > 0)
            server.process.send_signal(signal.SIGTERM)
            threading.Event().wait(0.3)
            other.execute("COMMIT")
        caller.join(20)
        assert [answer.status_code for answer in answers] == [200]
        assert not answers[0].json()["result"].get("isError")
        assert server.stop() == 0
    assert titles(tmp_path) == {"the first one", "the last one"}


def test_another_file_in_its_place(tmp_path: Path) -> None:
    """A base that is replaced while it is served is opened anew: what is written afterwards is in the new file."""
    with running(tmp_path) as server:
        add(server, "in the former file")
        database = next(tmp_path.rglob("*.db"))
        other = tmp_path / "elsewhere"
        home_command(other, "add", "bug", "in the other file", "--context-json", json.dumps(CONTEXT["context"]))
        new = next(other.rglob("*.db"))
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        new.replace(database)
        found = server.call("rekall_search", {"query": "file"})
        assert [hit["title"] for hit in found.structured_content["results"]] == ["in the other file"]
        add(server, "afterwards")
    assert titles(tmp_path) == {"in the other file", "afterwards"}


def _entry(title: str) -> dict[str, Any]:
    return {"type": "bug", "title": title, **CONTEXT}


def _in_flight(server: RunningServer) -> int:
    """Requests that a thread has handed to the server: its connections beside that of the one who asks."""
    text = Path(f"/proc/{server.process.pid}/net/tcp").read_text()
    port = f":{server.port:04X}"
    return sum(line.split()[1].endswith(port) and line.split()[3] == "01" for line in text.splitlines()[1:])


def _wait_for(condition: Any) -> None:
    for _ in range(200):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not come to pass")


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return [int(line) for line in listed.stdout.split()]


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_removed_base(tmp_path: Path) -> None:
    """Where the file was removed nothing is served, and no empty one is made; it goes on when the file is back."""
    with running(tmp_path) as server:
        entry_id = add(server, "it is not forgotten")
        database = next(tmp_path.rglob("*.db"))
        away = database.rename(database.with_name("away"))
        for tool, arguments in (("rekall_search", {"query": "forgotten"}), ("rekall_add", _entry("never"))):
            answer = server.call(tool, arguments)
            assert answer.is_error
            assert "unavailable" in answer.content[0].text
        assert httpx2.get(f"{server.url}/ready", timeout=10).status_code == 503
        assert not database.exists()
        away.rename(database)
        assert not server.call("rekall_show", {"id": entry_id}).is_error


def test_a_worker_that_starts_anew_makes_no_base(tmp_path: Path) -> None:
    """Where the file is away when a worker dies, the next one waits for it: no empty base, and the server stays up."""
    with running(tmp_path, "--workers", "2") as server:
        entry_id = add(server, "it is not forgotten")
        database = next(tmp_path.rglob("*.db"))
        away = database.rename(database.with_name("away"))
        workers = _workers(server)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        _wait_for(lambda: len(_workers(server) - workers) == 2)
        _wait_for(lambda: _status(server, "/health") == 200)
        assert _status(server, "/ready") == 503
        assert server.call("rekall_add", _entry("never")).is_error
        assert not database.exists()
        away.rename(database)
        assert not server.call("rekall_show", {"id": entry_id}).is_error
        assert server.stop() == 0


def _workers(server: RunningServer) -> set[int]:
    """The processes that serve; a tracker of resources is a child as well."""
    children = _children(server.process.pid)
    return {child for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()}


def _status(server: RunningServer, path: str) -> int:
    try:
        return httpx2.get(f"{server.url}{path}", timeout=10).status_code
    except httpx2.HTTPError:
        return 0
