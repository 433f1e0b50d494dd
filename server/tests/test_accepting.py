"""New connections are shared by the workers, and a process that can open no more files says so now and then."""

from __future__ import annotations

import http.client
import sys
from pathlib import Path

from server_support.pooled import until
from server_support.server import environment, running, started


def connections(port: int, number: int) -> list[http.client.HTTPConnection]:
    """Connections that are there before anything is sent."""
    made = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(number)]
    for connection in made:
        connection.connect()
    return made


def test_the_workers_share_what_comes_together(tmp_path: Path) -> None:
    """Of a hundred connections at once each of two workers gets some."""
    with running(tmp_path, "--workers", "2", "--log-level", "debug") as server:
        until(lambda: sum('"server.started"' in line for line in server.log) == 2, "both workers")
        for connection in connections(server.port, 100):
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200
            connection.close()
        assert server.stop() == 0
    told = [line.split('"pid": ')[1].split(",")[0].strip("}\n") for line in server.log if '"/health"' in line]
    assert len(set(told)) == 2
    assert min(told.count(pid) for pid in set(told)) >= 10


def test_no_more_files(tmp_path: Path) -> None:
    """Clients that take all of them fill no log."""
    command = ["sh", "-c", f"ulimit -n 64; exec {sys.executable} -m rekall_server --port 0"]
    with started(command, tmp_path, environment(tmp_path)) as server:
        held = connections(server.port, 150)
        until(lambda: sum("out of system resource" in line for line in server.log) >= 2, "that no file can be opened")
        for connection in held:
            connection.close()
        assert server.stop() == 0
    assert sum("out of system resource" in line for line in server.log) < 50
