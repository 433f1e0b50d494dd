"""A start that cannot be: one line that names the setting and the mend, exit code 1, nothing served, in time."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from server_support.commands import run_server
from server_support.redis import RedisServer, free_port

from rekall_server.tokens import TokenFile


class Start(NamedTuple):
    """One that is refused.

    Args:
        arguments: of `rekall-server`.
        said: how the line begins, after the name of the program.
        mend: what else it holds.
        variables: of the environment.
    """

    arguments: tuple[str, ...]
    said: str
    mend: str
    variables: dict[str, str] = {}  # noqa: RUF012  # of a NamedTuple, never changed


def folder() -> Path:
    """Where this user's Rekall keeps its files."""
    place = Path.home() / "rekall"
    place.mkdir(exist_ok=True)
    return place


def file(name: str, text: str, mode: int = 0o600) -> Path:
    """A file of Rekall with a text."""
    path = folder() / name
    path.write_text(text)
    path.chmod(mode)
    return path


def redis_down() -> Start:
    url = f"redis://127.0.0.1:{free_port()}/0"
    return Start((), f"environment REKALL_SERVER_REDIS_URL: Redis at {url[8:-2]} cannot be reached", "start it",
                 {"REKALL_SERVER_REDIS_URL": url})  # fmt: skip


def redis_with_a_wrong_url() -> Start:
    return Start(
        ("--redis-url", "http://cache.example"), "flag --redis-url is 'http://cache.example': ", "give redis://"
    )


def redis_in_home_s_file() -> Start:
    url = f"redis://:geheim@127.0.0.1:{free_port()}/0"
    home = file("config.toml", f'[backends]\ncache = "redis"\n[backends.cache_options]\nurl = "{url}"\n')
    return Start((), f"{home}: backends.cache: Redis at 127.0.0.1:", "start it")


def an_unknown_back_end() -> Start:
    server = file("rekall-server.toml", 'database_backend = "postgres"\n')
    return Start((), f"{server}: database_backend is 'postgres', which is not a back end", "available: pooled, sqlite")


def pool_size_0() -> Start:
    return Start(("--pool-size", "0"), "flag --pool-size is '0': ", "give a whole number of 1 or more")


def unreadable_toml() -> Start:
    (folder() / "rekall-server.toml").mkdir()
    return Start((), f"cannot read {folder() / 'rekall-server.toml'}: ", "make it a file that this user may read")


def malformed_toml() -> Start:
    server = file("rekall-server.toml", "port = 1\nport 2\n")
    return Start((), f"{server}, line 2: malformed TOML: ", "mend or remove that line")


def an_unknown_key() -> Start:
    return Start((), f"{file('rekall-server.toml', 'prot = 1')}: unknown key prot; ", "did you mean port?")


def a_bad_variable() -> Start:
    return Start((), "environment REKALL_SERVER_PORT is 'http': ", "set it to a whole number from 0 to 65535",
                 {"REKALL_SERVER_PORT": "http"})  # fmt: skip


def an_unknown_variable() -> Start:
    return Start((), "environment REKALL_SERVER_PROT is not a setting of rekall-server; ",
                 "did you mean REKALL_SERVER_PORT?", {"REKALL_SERVER_PROT": "1"})  # fmt: skip


def a_named_file_that_is_missing() -> Start:
    return Start(("--config", "/no/such.toml"), "flag --config names /no/such.toml, which is not there", "correct it")


def no_token_beyond_loopback() -> Start:
    return Start(("--host", "0.0.0.0"), "flag --host: 0.0.0.0 is reached from beyond this machine",  # noqa: S104
                 "run 'rekall-server token new NAME' first")  # fmt: skip


def a_token_file_that_others_read() -> Start:
    tokens = TokenFile(folder() / "rekall-server-tokens.toml")
    tokens.new("alice")
    tokens.path.chmod(0o644)
    return Start((), f"the token file {tokens.path} has the mode 0644", f"chmod 600 {tokens.path}")


def a_database_of_another_program() -> Start:
    path = folder() / "things.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE things (name)")
    return Start(("--database", str(path)), f"flag --database: {path} is a database of another program",
                 "choose another file")  # fmt: skip


def a_folder_that_takes_nothing() -> Start:
    return Start(("--database", "/proc/team.db"), "flag --database: /proc/team.db cannot be created: ",
                 "mend the folder, or name another file with --database")  # fmt: skip


def a_broken_config_toml_of_home() -> Start:
    return Start((), f"{file('config.toml', '[backends')}, line 1", "mend or remove that line")


def a_setting_without_effect() -> Start:
    return Start(("--database-backend", "sqlite", "--pool-size", "2"),
                 "flag --pool-size is for the database back end pooled, but flag --database-backend selects sqlite",
                 "take back one of the two")  # fmt: skip


def a_name_that_is_none() -> Start:
    return Start(("--host", "nosuch.invalid"), "flag --host: nosuch.invalid is no address of a machine",
                 "give one of this machine")  # fmt: skip


def refused(start: Start) -> None:
    """Start it, and see that it says so on one line, serves nothing and is over in time."""
    started = time.monotonic()
    done = run_server(*start.arguments, **start.variables)
    took = time.monotonic() - started
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert done.stderr.startswith(f"rekall-server: error: {start.said}")
    assert start.mend in done.stderr
    assert "geheim" not in done.stderr
    assert took < 5 + _import_time(), done.stderr


def _import_time() -> float:
    """Seconds that a process takes here and now to begin, which on a busy machine is long."""
    started = time.monotonic()
    run_server("--version")
    return time.monotonic() - started


CASES: tuple[Callable[[], Start], ...] = (
    redis_down, redis_with_a_wrong_url, redis_in_home_s_file, an_unknown_back_end, pool_size_0, unreadable_toml,
    malformed_toml, an_unknown_key, a_bad_variable, an_unknown_variable, a_named_file_that_is_missing,
    no_token_beyond_loopback, a_token_file_that_others_read, a_database_of_another_program,
    a_folder_that_takes_nothing, a_broken_config_toml_of_home, a_setting_without_effect, a_name_that_is_none,
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_start_that_is_refused(case: Callable[[], Start]) -> None:
    """One line on stderr, nothing on stdout, exit code 1."""
    refused(case())


def test_a_redis_with_another_password_and_one_that_is_silent(redis_server: RedisServer) -> None:
    """Neither is waited for, and no password is shown."""
    redis_server.config("requirepass", "richtig")
    place = f"127.0.0.1:{redis_server.port}"
    url = redis_server.url_of(password="geheim")  # noqa: S106  # a wrong one
    refused(
        Start(("--redis-url", url), f"flag --redis-url: Redis at {place} refuses the user or the password", "correct")
    )
    redis_server.stop()
    refused(Start(("--redis-url", url, "--redis-timeout", "3"), f"flag --redis-url: Redis at {place} ", "redis"))
    redis_server.go_on()


def test_a_port_that_is_taken() -> None:
    """The line names the port, and who has it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(Start(("--port", str(port)), f"flag --port: port {port} of 127.0.0.1 is taken by ", str(os.getpid())))


def test_it_does_not_fall_back(redis_server: RedisServer) -> None:
    """What is refused creates no base, whatever else is right."""
    redis_server.kill()
    refused(Start(("--redis-url", redis_server.url), "flag --redis-url: Redis at ", "start it"))
    assert not list(Path.home().rglob("*.db"))
