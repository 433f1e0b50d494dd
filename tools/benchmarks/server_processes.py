"""Server processes to be measured: started on a free port, with what they cost the machine, and stopped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.load import Clients

SERVER = Path(__file__).parents[2] / "server"
"""The checkout of rekall-server, which may be missing."""
_EMPTY = SERVER / "bench" / "empty_server.py"
_LISTENS = re.compile(r"http://127\.0\.0\.1:(\d+)/mcp")
_START, _STOP = 60.0, 20.0
_LAST_LINES = 20


class Server:
    """A server and its workers.

    Args:
        command: starts it; it prints where it listens.
        home: the home folder of its user, where its log goes as well.
        workers: processes that answer.

    Raises:
        RuntimeError: it does not start.
    """

    def __init__(self, command: Sequence[str], home: Path, *, workers: int = 1) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._log = home / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=home,
                env=_environment(home),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._workers = workers
        try:
            self.port = self._listens()
            self.pids = self._wait_for_workers()
        except BaseException:
            self.stop()
            raise

    def clients(self, number: int) -> Clients:
        """So many clients of it."""
        return Clients(self.port, number)

    def cpu(self) -> float | None:
        """Seconds of CPU that its processes have taken; None where the system does not tell it in /proc."""
        try:
            return sum(map(_cpu, self.pids))
        except OSError:
            return None

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._process.terminate()
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _listens(self) -> int:
        """The port, out of what it prints; what comes later is read and left."""
        found: list[int] = []
        told = threading.Event()

        def read() -> None:
            for line in self._process.stdout or ():
                match = _LISTENS.search(line.decode(errors="replace"))
                if match and not found:
                    found.append(int(match[1]))
                    told.set()
            told.set()

        threading.Thread(target=read, daemon=True).start()
        told.wait(_START)
        if not found:
            raise RuntimeError(f"the server does not start:\n{self.last_lines()}")
        return found[0]

    def _wait_for_workers(self) -> list[int]:
        """The processes that answer, once all of them do."""
        until = time.monotonic() + _START
        while time.monotonic() < until and self._process.poll() is None:
            pids = [self._process.pid] if self._workers == 1 else _children(self._process.pid)
            if len(self._started(pids)) >= self._workers:
                return pids
            time.sleep(0.1)
        raise RuntimeError(f"the server does not answer:\n{self.last_lines()}")

    def _started(self, pids: Sequence[int]) -> set[int]:
        """Those of them that say in the log that they have started."""
        log = self._log.read_text(encoding="utf-8", errors="replace")
        return {pid for pid in pids if re.search(rf"server\.started.*\b{pid}\b|\b{pid}\b.*server\.started", log)}

    def last_lines(self) -> str:
        """The end of its log."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])


def empty_server(database: Path, home: Path, *, workers: int = 1) -> Server:
    """A FastMCP server with the tool `nothing`, in all else as rekall-server."""
    command = [_python(), str(_EMPTY), "--database", str(database), "--workers", str(workers)]
    return Server(command, home, workers=workers)


def rekall_server(database: Path, home: Path, *, workers: int = 1, redis: str | None = None) -> Server:
    """The server as users start it, on the back ends that it comes with.

    Args:
        redis: address of a Redis that caches; None: each process caches for itself.
    """
    command = [_python(), "-m", "rekall_server", "--port", "0", "--database", str(database)]
    command += ["--workers", str(workers), "--database-backend", "pooled"]
    command += ["--redis-url", redis] if redis else []
    return Server(command, home, workers=workers)


def warm_up(server: Server, requests: Sequence[bytes], seconds: float) -> None:
    """Let every worker load what it loads at its first calls."""
    server.clients(20).run(requests, seconds)


class Redis:
    """A redis-server in a folder of its own, which keeps nothing.

    Raises:
        RuntimeError: it does not start.
    """

    def __init__(self, binary: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._socket = folder / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [binary, *options, "--dir", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + _START
        while not self._socket.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"{binary} does not start")
            time.sleep(0.02)
        self.url = f"unix://{self._socket}"

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def redis_binary() -> str | None:
    """The redis-server that is there: on the PATH, or where `tools/test` puts one."""
    ours = Path(_python()).parents[1] / "redis" / "bin" / "redis-server"
    return shutil.which("redis-server") or (str(ours) if ours.exists() else None)


def _python() -> str:
    """The Python that has the server: the tools install it beside the one that measures Rekall without it."""
    beside = Path(sys.prefix) / "server" / "bin" / "python"
    return str(beside) if beside.exists() else sys.executable


def _environment(home: Path) -> Mapping[str, str]:
    """A user who has nothing but a home folder, whatever the variables of who measures say."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REKALL_", "XDG_", "FASTMCP_"))}
    return {**kept, "HOME": str(home)}


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    """The worker processes of a server."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found
