"""Metrics: of one process and summed over several, alive and dead; nothing that users write becomes a label."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from server_support.figures import figures
from server_support.server import environment

from rekall_server.metrics import FOLDER

COUNTING = """
import os, sys, signal
from rekall_server.metrics import Metrics
metrics = Metrics()
for number in range(int(sys.argv[1])):
    metrics.tool("rekall_search", "ok", 0.002)
    metrics.tool("rekall_add", "refused", 0.3)
    metrics.response(200)
    metrics.response(404)
    metrics.wait(0.01)
    observed = metrics.observer.debug
    observed("backend.call", backend="pooled", operation="fetch_all", ms=0.2, attempt=1, outcome="ok", rows=3)
    observed("backend.call", backend="redis", operation="get", ms=0.2, attempt=1, outcome="ok", hit=True)
    observed("backend.call", backend="redis", operation="get", ms=0.2, attempt=1, outcome="ok", hit=False)
    observed("backend.summary", calls=3)
if sys.argv[2:] == ["killed"]:
    os.kill(os.getpid(), signal.SIGKILL)
sys.stdout.buffer.write(metrics.exposition())
"""


def run(code: str, folder: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process that counts into a folder."""
    variables = {} if folder is None else {FOLDER: str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**environment(Path.home()), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("processes", [0, 1, 3])
def test_the_sum_of_all_processes(tmp_path: Path, processes: int) -> None:
    """Every process counts once, whichever of them is asked; also a single one, without a folder."""
    folder = tmp_path if processes else None
    for _ in range(max(processes, 1)):
        done = run(COUNTING, folder, "4")
    times = 4 * max(processes, 1)
    found = figures(done.stdout)
    for name, expected in {
        'rekall_tool_calls_total{outcome="ok",tool="rekall_search"}': times,
        'rekall_tool_calls_total{outcome="refused",tool="rekall_add"}': times,
        'rekall_tool_call_duration_seconds_count{tool="rekall_search"}': times,
        'rekall_tool_call_duration_seconds_bucket{le="0.001",tool="rekall_search"}': 0,
        'rekall_tool_call_duration_seconds_bucket{le="0.0025",tool="rekall_search"}': times,
        'rekall_http_responses_total{status="2xx"}': times,
        'rekall_http_responses_total{status="4xx"}': times,
        'rekall_http_responses_total{status="5xx"}': 0,
        "rekall_pool_wait_seconds_count": times,
        'rekall_backend_call_duration_seconds_count{backend="pooled",operation="fetch_all",outcome="ok"}': times,
        'rekall_cache_gets_total{backend="redis",result="hit"}': times,
        'rekall_cache_gets_total{backend="redis",result="miss"}': times,
    }.items():
        assert found[name] == expected, name
    assert found["rekall_pool_wait_seconds_sum"] == pytest.approx(times * 0.01)
    assert found["rekall_workers"] == 1  # the others have ended


def test_a_killed_process_leaves_what_it_has_done(tmp_path: Path) -> None:
    """Its calls still count, for a sum must not fall; it is no worker any more."""
    killed = run(COUNTING, tmp_path, "5", "killed")
    assert killed.returncode < 0
    assert list(tmp_path.glob("gauge_livesum_*.db"))
    found = figures(run(COUNTING, tmp_path, "2").stdout)
    assert found['rekall_tool_calls_total{outcome="ok",tool="rekall_search"}'] == 7
    assert found["rekall_workers"] == 1


def test_a_process_that_starts_just_now(tmp_path: Path) -> None:
    """Its files, made and not written yet, do not keep the others' figures from being read."""
    for kind in ("counter", "histogram", "gauge_livesum"):
        (tmp_path / f"{kind}_1.db").touch()
    done = run(COUNTING, tmp_path, "3")
    assert figures(done.stdout)['rekall_tool_calls_total{outcome="ok",tool="rekall_search"}'] == 3


def test_retries_and_failures_of_the_cache(tmp_path: Path) -> None:
    """Further attempts count as retries; a failure counts when no attempt is left, by what the caller was answered.

    What the event loop leaves to a thread is no failure, nor is a value that the cache does not take.
    """
    code = """
import sys
from rekall import config
from rekall_server.metrics import Metrics
metrics = Metrics()
observed = metrics.observer.debug
def failed(attempt, error, backend="redis", operation="get"):
    observed("backend.call", backend=backend, operation=operation, ms=1, attempt=attempt, outcome="error", error=error)
for attempt in (1, 2, 3):
    failed(attempt, "CacheUnavailableError")
failed(1, "CacheError")
failed(1, "InvalidValueError", operation="set")
failed(1, "DatabaseBusyError", "pooled", "execute_batch")
failed(1, "CallGivenUp", "pooled", "fetch_all")
observed("backend.call", backend="pooled", operation="execute_batch", ms=1, attempt=2, outcome="ok", rows=1)
sys.stdout.buffer.write(metrics.exposition())
print("----")
config.get_config().cache_on_error = "bypass"
failed(1, "CacheError")
observed("backend.call", backend="redis", operation="get", ms=1, attempt=1, outcome="ok", hit=True)
failed(1, "CallGivenUp")
failed(1, "InvalidValueError", operation="set")
sys.stdout.flush()
sys.stdout.buffer.write(metrics.exposition())
"""
    setting = "from rekall import config as c; c.get_config().cache_on_error = 'raise'\n"
    done = run(setting + code, tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = map(figures, done.stdout.split("----\n"))
    assert first['rekall_backend_retries_total{backend="redis",operation="get"}'] == 2
    assert first['rekall_backend_retries_total{backend="pooled",operation="execute_batch"}'] == 1
    assert first['rekall_cache_failures_total{answer="raised",backend="redis"}'] == 2
    assert 'rekall_cache_failures_total{answer="bypassed",backend="redis"}' not in first
    assert first["rekall_cache_failing"] == 1
    calls = "rekall_backend_call_duration_seconds_count"
    assert first[f'{calls}{{backend="pooled",operation="fetch_all",outcome="given_up"}}'] == 1
    assert f'{calls}{{backend="pooled",operation="fetch_all",outcome="error"}}' not in first
    assert second['rekall_cache_failures_total{answer="bypassed",backend="redis"}'] == 1
    assert second["rekall_cache_failing"] == 0


def test_the_folder_is_private_and_goes_away(tmp_path: Path) -> None:
    """Nobody else reads or writes it; it is gone at the end, however that comes."""
    code = """
import os, sys
from rekall_server import metrics
try:
    with metrics.shared_folder() as folder:
        assert os.environ[metrics.FOLDER] == str(folder)
        assert folder.stat().st_mode & 0o777 == 0o700
        metrics.Metrics().response(200)
        assert list(folder.iterdir())
        raise KeyboardInterrupt
except KeyboardInterrupt:
    assert not folder.exists()
    assert metrics.FOLDER not in os.environ
"""
    done = run(code, None)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_what_a_killed_server_has_left_goes_when_the_next_one_begins(tmp_path: Path) -> None:
    """The folder of a server that runs stays, and whatever else is among the temporary files."""
    code = """
import sys
from rekall_server import metrics
with metrics.shared_folder() as folder:
    metrics.Metrics().response(200)
    print(folder, flush=True)
    sys.stdin.read()
"""
    (tmp_path / "of-others").mkdir()
    (tmp_path / "rekall-server-figures-link").symlink_to(tmp_path / "of-others")
    os.mkfifo(tmp_path / "rekall-server-figures-pipe")  # whoever opens one waits for a writer

    def begun() -> tuple[subprocess.Popen[str], Path]:
        variables = {**environment(Path.home()), "TMPDIR": str(tmp_path)}
        server = subprocess.Popen(
            [sys.executable, "-c", code], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        return server, Path(server.stdout.readline().strip())

    running, kept = begun()
    killed, left = begun()
    killed.kill()
    killed.communicate()
    assert kept.parent == left.parent == tmp_path
    assert left.exists()
    third, folder = begun()
    assert kept.exists()
    assert folder.exists()
    assert not left.exists()
    for server in (running, third):
        server.communicate()
    names = ["of-others", "rekall-server-figures-link", "rekall-server-figures-pipe"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_too_late_for_a_folder(tmp_path: Path) -> None:
    """Once prometheus-client counts in memory, a folder is refused: the figures would not be summed."""
    code = """
import sys
from pathlib import Path
import prometheus_client
from rekall_server import metrics
try:
    metrics.prepare(Path(sys.argv[1]))
except RuntimeError as error:
    print(error)
"""
    assert "before metrics.prepare" in run(code, None, str(tmp_path)).stdout
