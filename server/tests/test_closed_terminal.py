"""A terminal that is closed sends SIGHUP to all processes in it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from server_support.pooled import until
from server_support.server import environment, running, started


def told(event: str, log: list[str]) -> int:
    """How many lines of a log tell an event."""
    return sum(f'"{event}"' in line for line in log)


@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_as_on_sigterm(tmp_path: Path, workers: int) -> None:
    """Every process gives everything back."""
    with running(tmp_path, "--workers", str(workers)) as server:
        until(lambda: told("server.started", server.log) == workers, "all workers")
        os.killpg(server.process.pid, signal.SIGHUP)
        assert server.process.wait(20) == 0
        server.close()
        assert told("server.stopped", server.log) == workers


@pytest.mark.parametrize("workers", [1, 2])
def test_nohup(tmp_path: Path, workers: int) -> None:
    """Started so, it goes on."""
    command = ["nohup", sys.executable, "-m", "rekall_server", "--port", "0", "--workers", str(workers)]
    with started(command, tmp_path, environment(tmp_path)) as server:
        os.killpg(server.process.pid, signal.SIGHUP)
        for _ in range(10):
            assert not server.call("rekall_info", {}).is_error
        assert told("server.stopped", server.log) == 0
        assert server.stop() == 0
