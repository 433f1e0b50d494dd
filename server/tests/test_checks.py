"""What is looked at before serving, and by `rekall-server check`: each part, right and wrong, on real ones."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from server_support.commands import run_server
from server_support.redis import RedisServer, free_port

from rekall.config import set_config
from rekall.infra import ServiceContainer
from rekall.mcp.base import ConfiguredBase
from rekall_server import checks, home
from rekall_server.binding import is_loopback, needs_token
from rekall_server.checks import Check
from rekall_server.settings import Settings, load
from rekall_server.tokens import TokenFile


def found(**flags: Any) -> dict[str, Check]:
    """All checks by name; each text is one line."""
    settings = load({"port": "0", **flags}, None).settings
    result = {check.name: check for check in checks.run(settings)}
    assert all("\n" not in check.text and check.text for check in result.values())
    return result


def wrong(**flags: Any) -> dict[str, str]:
    """The texts of those that failed, by name."""
    return {check.name: check.text for check in found(**flags).values() if not check.ok}


def made_base(path: Path) -> Path:
    """A base at a path, with the current schema."""
    config = home.apply(load({"database": str(path)}, None).settings)
    with closing(ServiceContainer(config=lambda: config)) as container:
        set_config(config)
        with closing(ConfiguredBase(container)) as base:
            base.open()
    return path


def schema_of(path: Path) -> list[tuple[str]]:
    """The names of all that a database holds."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()


def test_all_is_well(tmp_path: Path) -> None:
    """Each part says what it is, and nothing is created."""
    base = tmp_path / "not there" / "team.db"
    result = found(database=str(base))
    assert {name: check.ok for name, check in result.items()} == dict.fromkeys(
        ["database", "cache", "tokens", "address", "allowed hosts"], True
    )
    assert result["database"].text == f"{base} (pooled): not there yet, and can be created"
    assert result["tokens"].text == "none, and none needed: only this machine reaches the server"
    assert list(tmp_path.iterdir()) == []


def test_a_base_that_is_there(tmp_path: Path) -> None:
    """It is opened, its schema named and a write tried, which leaves nothing."""
    base = made_base(tmp_path / "team.db")
    before = schema_of(base)
    for backend in ("pooled", "sqlite"):
        assert found(database=str(base), database_backend=backend)["database"] == Check(
            "database", True, f"{base} ({backend}): schema 12, takes writes"
        )
    assert schema_of(base) == before


def test_a_base_that_serving_would_change(tmp_path: Path) -> None:
    """An older one is not migrated by looking, an empty one not filled."""
    empty = tmp_path / "empty.db"
    empty.touch()
    assert found(database=str(empty))["database"].text == (
        f"{empty} (pooled): empty, takes writes; serving creates the schema"
    )
    older = made_base(tmp_path / "older.db")
    with closing(sqlite3.connect(older)) as connection:
        connection.execute("PRAGMA user_version = 8")
    assert found(database=str(older))["database"].text == (
        f"{older} (pooled): schema 8, takes writes; serving migrates it, after a backup"
    )
    assert schema_of(empty) == []
    with closing(sqlite3.connect(older)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (8,)
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix == ".db") == ["empty.db", "older.db"]


def test_databases_that_cannot_be_served(tmp_path: Path) -> None:
    """Another program's, a newer one's, a text, a folder: each with the setting that names it."""
    other, newer, text = tmp_path / "other.db", made_base(tmp_path / "newer.db"), tmp_path / "text.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE things (name)")
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
    text.write_text("no database " * 100)
    said = {path: wrong(database=str(path)) for path in (other, newer, text, tmp_path)}
    assert said[other] == {
        "database": f"flag --database: {other} is a database of another program: choose another file"
    }
    assert said[newer]["database"].startswith(f"flag --database: {newer} has schema 99, written by a newer Rekall")
    assert said[text]["database"].startswith(f"flag --database: {text} is not a SQLite database: name another file")
    assert said[tmp_path]["database"] == f"flag --database: {tmp_path} is not a file: name another one"


def test_a_base_that_another_process_writes(tmp_path: Path) -> None:
    """The one attempt waits for its lock, not for ever."""
    base = made_base(tmp_path / "team.db")
    with closing(sqlite3.connect(base, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        text = wrong(database=str(base))["database"]
        assert time.monotonic() - started < 5
    assert text.startswith(f"flag --database: {base} is locked by another process")
    assert wrong(database=str(base)) == {}


NOBODY = """
import encodings.idna, os, sys  # all at once: that user may not read where Python is
import rekall_server.cli.commands, rekall_server.cli.program, rekall_server.checks, rekall_server.settings
if os.getuid() == 0:
    os.setuid(65534)
sys.argv[0] = "rekall-server"
rekall_server.cli.main()
"""


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_takes_no_writes(tmp_path: Path, is_there: bool) -> None:
    """For a base that is there, and for one that is not; root may write everywhere, so another user looks."""
    folder = tmp_path / "closed"
    folder.mkdir()
    base = folder / "team.db"
    if is_there:
        made_base(base).chmod(0o444)
        assert [file.name for file in folder.iterdir()] == ["team.db"]
    folder.chmod(0o555)
    with open_to_others(folder.parent):
        done = subprocess.run(
            [sys.executable, "-c", NOBODY, "check", "--json", "--database", str(base), "--database-backend", "sqlite"],
            env={**os.environ, "HOME": "/nowhere", "REKALL_HOME": "/nowhere", "REKALL_SERVER_PORT": "0"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    folder.chmod(0o755)
    assert (done.returncode, done.stderr) == (1, "")
    failed = {one["name"]: one["text"] for one in json.loads(done.stdout)["checks"] if not one["ok"]}
    assert list(failed) == ["database"], failed
    assert failed["database"].startswith(
        f"flag --database: {base} {'is read-only' if is_there else 'cannot be created'}"
    )


def test_what_cannot_be_seen_is_taken_to_be_there(tmp_path: Path) -> None:
    """A name that is too long for the file system, as a folder that cannot be entered: neither is \"not there\"."""
    path = tmp_path / ("x" * 300)
    said = wrong(database=str(path), token_file=str(path))
    assert said["database"].startswith(f"flag --database: {path} ")
    assert said["tokens"].startswith(f"cannot read the token file {path}: ")
    assert needs_token(load({"token_file": str(path)}, None).settings)


@contextmanager
def open_to_others(folder: Path) -> Iterator[None]:
    """Let another user pass through the folders of pytest to one of them, for so long."""
    mine = [part for part in (folder, *folder.parents) if part.owner() == Path.home().owner() and part != Path("/")]
    modes = {part: stat.S_IMODE(part.stat().st_mode) for part in mine}
    for part in mine:
        part.chmod(modes[part] | 0o011)
    yield
    for part, mode in modes.items():
        part.chmod(mode)


def test_a_redis_that_works(redis_server: RedisServer) -> None:
    """It says where, without the password, and leaves no key."""
    redis_server.config("requirepass", "geheim")
    url = redis_server.url_of(password="geheim")  # noqa: S106  # of a server that lives as long as this test
    check = found(redis_url=url)["cache"]
    assert (check.ok, check.text) == (True, f"redis: 127.0.0.1:{redis_server.port}")
    assert redis_server.keys() == []


def test_a_redis_that_does_not(redis_server: RedisServer) -> None:
    """Down, silent, with another password, or not Redis: the setting, the place and the mend, in time."""
    url = redis_server.url
    redis_server.stop()
    started = time.monotonic()
    silent = wrong(redis_url=url, redis_timeout="3")["cache"]
    assert time.monotonic() - started < 5
    redis_server.go_on()
    redis_server.config("requirepass", "geheim")
    password = wrong(redis_url=redis_server.url_of(password="falsch"))["cache"]  # noqa: S106  # a wrong one
    redis_server.kill()
    down = wrong(redis_url=url)["cache"]
    place = f"127.0.0.1:{redis_server.port}"
    for text in (silent, password, down):
        assert text.startswith(f"flag --redis-url: Redis at {place} ")
        assert "falsch" not in text
    assert "password" in password
    assert "start it" in down


def test_a_redis_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not answered when the time is over is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(checks, "PATIENCE", 0.3)
        text = wrong(redis_url=f"redis://127.0.0.1:{silent.getsockname()[1]}", redis_timeout="3")["cache"]
    assert text == (
        "flag --redis-url: the back end redis did not answer within 0.3 s: see that it works, or name another one"
    )
    for thread in threading.enumerate():  # it has its own time-out
        if thread is not threading.main_thread():
            thread.join(10)


def test_back_ends_that_there_are_not() -> None:
    """Each by itself, with what there is."""
    said = wrong(database_backend="poled", cache_backend="memcached")
    assert said["database"].startswith("flag --database-backend is 'poled', which is not a back end; available: ")
    assert said["cache"].startswith("flag --cache-backend is 'memcached', which is not a back end; available: ")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """It says which, and who has it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = wrong(port=str(port))["address"]
    assert text.startswith(f"flag --port: port {port} of 127.0.0.1 is taken")
    assert text.endswith(": give another one with --port, or stop what has it")
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in text
    assert wrong(port=str(port)) == {}


def test_a_port_that_was_used_a_moment_ago() -> None:
    """Connections that linger after a restart do not keep the server from starting."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(("127.0.0.1", port)) as client:
        server.accept()[0].close()  # this side closes first: it lingers
        assert client.recv(1) == b""
    assert wrong(port=str(port)) == {}


@pytest.mark.parametrize("host", ["nosuch.invalid", "a..b", "x" * 300])
def test_a_host_that_is_none(host: str) -> None:
    """Said of the host, by whatever looks at it."""
    said = wrong(host=host)
    assert said["address"].startswith(f"flag --host: {host} is no address of a machine")


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    """It cannot be listened on here."""
    TokenFile(tmp_path / "tokens.toml").new("alice")
    said = wrong(host="192.0.2.1", token_file=str(tmp_path / "tokens.toml"))
    assert said["address"].startswith("flag --host: 192.0.2.1 cannot be listened on (")


BEYOND = ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "fe80::1"]  # noqa: S104  # what must be refused
WITHIN = ["127.0.0.1", "::1", "[::1]", "localhost", "127.1.2.3", "::ffff:127.0.0.1"]


@pytest.mark.parametrize("host", BEYOND)
def test_closed_by_default(host: str, tmp_path: Path) -> None:
    """Whatever others can reach needs a token: without one it is not served, and the text says what to run."""
    settings = load({"host": host}, None).settings
    assert not is_loopback(settings)
    assert needs_token(settings)
    text = wrong(host=host)["tokens"]
    assert text == (
        f"flag --host: {settings.host} is reached from beyond this machine, and there is no token in"
        f" {settings.token_file}: run 'rekall-server token new NAME' first, or listen on 127.0.0.1"
    )
    TokenFile(settings.token_file).new("alice")
    assert found(host=host)["tokens"].ok


@pytest.mark.parametrize("host", WITHIN)
def test_open_on_this_machine(host: str) -> None:
    """Until there is a file of tokens."""
    settings = load({"host": host}, None).settings
    assert is_loopback(settings)
    assert not needs_token(settings)
    TokenFile(settings.token_file).new("alice", read_only=True)
    assert needs_token(settings)
    assert found()["tokens"].text == (f"1 in {settings.token_file}, 1 of them read-only; every caller needs one")


def test_tokens_that_cannot_be_used(tmp_path: Path) -> None:
    """Open to others, malformed, named and missing, or none left: never served as if there were none."""
    path = tmp_path / "tokens.toml"
    missing = wrong(token_file=str(path))["tokens"]
    assert missing.startswith(f"flag --token-file: {path} is not there: run 'rekall-server token new NAME' first")
    file = TokenFile(path)
    file.new("alice")
    path.chmod(0o644)
    assert wrong(token_file=str(path))["tokens"].endswith(f"'chmod 600 {path}'")
    path.chmod(0o600)
    file.revoke("alice")
    assert f"{path} holds no token, so nobody would get in" in wrong(token_file=str(path))["tokens"]
    assert needs_token(load({"token_file": str(path)}, None).settings)
    path.write_text("[[token")
    assert "is malformed" in wrong(token_file=str(path))["tokens"]


def test_a_configuration_that_cannot_be_used() -> None:
    """Then nothing else is looked at."""
    file = Settings().token_file.parent / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[backends\n")
    assert [(check.name, check.ok) for check in found().values()] == [("configuration", False)]


def test_allowed_hosts_are_listed() -> None:
    """Beyond those that are always allowed."""
    assert found(allowed_hosts="a.example")["allowed hosts"].text == (
        "called as localhost, 127.0.0.1, a.example, or by its address"
    )


def test_the_command(tmp_path: Path) -> None:
    """A line for each check, exit code 0 or 1; JSON for programs."""
    done = run_server("check", "--port", "0")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split("\t")[:2] for line in done.stdout.splitlines()] == [
        ["ok", name] for name in ("database", "cache", "tokens", "address", "allowed hosts")
    ]
    done = run_server("check", "--port", "0", "--token-file", str(tmp_path / "none"), "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"]) == (1, False)
    assert [check["name"] for check in answer["checks"] if not check["ok"]] == ["tokens"]
