"""The summary of the debug log: what it counts, and that it comes once, however a process ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from support.debugging import USE, Paper, calls_and_summary, events, run
from support.failing import FailingCache, FailingDatabase, FakeTime

from rekall.config import Config
from rekall.errors import DatabaseBusyError, QueryError
from rekall.infra import ServiceContainer
from rekall.infra.debug_log import DebugLog, debug_logger
from rekall.infra.debug_summary import Use
from rekall.infra.instrument import instrument
from rekall.infra.interfaces import Params, Row


def _use(errors: list[BaseException]) -> Use:
    """What is counted of one read on a back end that takes half a second for each attempt."""
    time = FakeTime()
    log = DebugLog(Paper(), "json", clock=time.clock)
    backend = instrument(FailingDatabase(errors, time, 0.5), "fake", retry=time.retry(), log=log)
    with suppress(DatabaseBusyError, QueryError, KeyboardInterrupt):
        backend.fetch_one("SELECT 1")
    assert log.summary.backends == {"fake": log.summary.total}
    return log.summary.total


@pytest.mark.parametrize(
    ("errors", "calls", "ms", "retries", "waited", "failed"),
    [
        ([], 1, 500, 0, 0, 0),
        ([DatabaseBusyError("x")], 1, 1000, 1, 50, 0),
        ([DatabaseBusyError("x")] * 2, 1, 1500, 2, 250, 0),
        ([DatabaseBusyError("x")] * 3, 1, 1500, 2, 250, 1),
        ([QueryError("x")], 1, 500, 0, 0, 1),
        ([DatabaseBusyError("x"), QueryError("x")], 1, 1000, 1, 50, 1),
        ([KeyboardInterrupt()], 1, 500, 0, 0, 1),
    ],
    ids=["works", "second", "third", "given up", "permanent", "permanent in the end", "interrupted"],
)
def test_what_is_counted(
    errors: list[BaseException], calls: int, ms: float, retries: int, waited: float, failed: int
) -> None:
    """A retried call is one call; failed are those whose last attempt failed; waiting is no time in the back end."""
    use = _use(errors)
    assert (use.calls, use.ms, use.retries, use.failed) == (calls, ms, retries, failed)
    assert use.waited_ms == pytest.approx(waited)


def test_the_slowest_attempt_is_named() -> None:
    """Of each back end by itself."""
    time = FakeTime()
    log = DebugLog(Paper(), "json", clock=time.clock)
    database, cache = FailingDatabase((), time, 0.5), FailingCache((), time, 0.25)
    watched = instrument(database, "one", retry=time.retry(), log=log)
    watched.fetch_one("SELECT 1")
    database.script.lasts = 2.0
    watched.fetch_all("SELECT 1")
    database.script.lasts = 1.0
    watched.execute("UPDATE t SET a = 1")
    instrument(cache, "two", retry=time.retry(), log=log).get("key")
    one, two = log.summary.backends["one"], log.summary.backends["two"]
    assert (one.slowest, one.slowest_ms, two.slowest, two.slowest_ms) == ("fetch_all", 2000.0, "get", 250.0)
    assert log.summary.total.slowest == "fetch_all"


class _EveryTenthBusy(FailingDatabase):
    """A database whose every tenth read fails, whichever thread it comes from."""

    def __init__(self) -> None:
        super().__init__()
        self._reads = count()

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        if next(self._reads) % 10 == 0:
            raise DatabaseBusyError("busy")
        return None


def test_eight_threads_lose_nothing() -> None:
    """Every call is counted, every line whole, and the wait for a retry is that of its own thread."""
    paper = Paper()
    log = DebugLog(paper, "json")
    backend = instrument(_EveryTenthBusy(), "fake", log=log)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: _works(lambda: backend.fetch_one("SELECT 1")), range(400)))
    log.finish()
    calls, summary = calls_and_summary("\n".join(paper.lines + paper.last))
    total = log.summary.total
    assert total.calls == len(outcomes) == sum(call["attempt"] == 1 for call in calls)
    assert total.failed == outcomes.count(False)
    assert total.retries == len(calls) - total.calls >= 40
    assert total.ms == pytest.approx(sum(call["ms"] for call in calls))
    assert summary["waited_ms"] == pytest.approx(sum(call.get("waited_ms", 0) for call in calls), abs=0.01)
    assert all(call["waited_ms"] > 49 for call in calls if call["attempt"] == 2)


def _works(call: Callable[[], object]) -> bool:
    try:
        call()
    except DatabaseBusyError:
        return False
    return True


def test_the_summary_is_written_once() -> None:
    """A server that is ended by a signal ends its log itself, and Python may do so once more."""
    paper = Paper()
    log = DebugLog(paper, "json")
    log.finish()
    log.finish()
    assert len(paper.last) == 1


def test_containers_that_write_to_one_place_have_one_log(tmp_path: Path) -> None:
    """And those that write elsewhere another one, with counts of its own."""
    here, there = (Config(debug_backends=True, debug_file=str(tmp_path / name)) for name in ("here", "there"))
    assert debug_logger(here) is debug_logger(Config(debug_backends=True, debug_file=str(tmp_path / "here")))
    for config in (here, here, there):
        container = ServiceContainer(config=partial(_same, config))
        container.database(tmp_path / "a.db")
        container.close()
    counts = [debug_logger(config).summary.total.calls for config in (here, there)]
    written = [len((tmp_path / name).read_text("utf-8").splitlines()) for name in ("here", "there")]
    assert counts == written
    assert counts[0] == 2 * counts[1] > 0


def _same(config: Config) -> Config:
    return config


def test_a_library_gets_it_at_the_end_of_the_program(tmp_path: Path) -> None:
    """It agrees with the events before it; nothing but using Rekall with debug on was needed."""
    done = run(USE, tmp_path / "a.db")
    assert done.returncode == 0, done.stderr
    calls, summary = calls_and_summary(done.stderr)
    assert summary["calls"] == len(calls) > 5
    assert summary["ms"] == pytest.approx(sum(call["ms"] for call in calls), abs=0.01)
    assert set(summary["backends"]) == {"sqlite", "local"}
    assert sum(use["calls"] for use in summary["backends"].values()) == len(calls)
    assert summary["pid"] == calls[0]["pid"]


@pytest.mark.parametrize("end", ["raise ValueError('the end')", "raise SystemExit(3)", "raise KeyboardInterrupt"])
def test_however_a_program_ends(end: str, tmp_path: Path) -> None:
    """An error, a status, Ctrl-C: the summary is the last line, and there is one."""
    done = run(f"{USE}\n{end}", tmp_path / "a.db")
    assert done.returncode != 0
    lines = done.stderr.splitlines()
    assert [number for number, line in enumerate(lines) if "backend.summary" in line] == [len(lines) - 1]


def test_calls_of_threads_that_end_last_are_counted(tmp_path: Path) -> None:
    """The summary waits for threads that Python waits for."""
    code = (
        "import sys, threading, time\nfrom pathlib import Path\nfrom rekall.infra import ServiceContainer\n"
        "backend = ServiceContainer.get_instance().database(Path(sys.argv[1]))\n"
        "def late():\n    time.sleep(0.3)\n    backend.fetch_one('SELECT 1')\n    backend.close()\n"
        "threading.Thread(target=late).start()\n"
    )
    calls, summary = calls_and_summary(run(code, tmp_path / "a.db").stderr)
    assert [call["operation"] for call in calls[-2:]] == ["fetch_one", "close"]
    assert summary["calls"] == len(calls)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that fork")
def test_a_forked_process_does_not_end_the_log(tmp_path: Path) -> None:
    """It is that of the process that began it; Python's own way of forking ends without summaries anyway."""
    code = f"{USE}\nimport os\nif os.fork() == 0:\n    sys.exit(0)\nos.wait()\n"
    done = run(code, tmp_path / "a.db")
    calls, summary = calls_and_summary(done.stderr)
    assert summary["pid"] == calls[0]["pid"]


def test_without_debug_there_is_none(tmp_path: Path) -> None:
    """Nothing of the log is imported but its thin front, and nothing is written at the end."""
    code = f"{USE}\nprint(sorted(name for name in sys.modules if 'debug_' in name and name.startswith('rekall')))\n"
    done = run(code, tmp_path / "a.db", environment={"REKALL_DEBUG": "0"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "['rekall.infra.debug_log']\n"


@pytest.mark.skipif(sys.platform == "win32", reason="closes stderr with a POSIX shell")
@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full", "2>&1 | head -n 1"])
def test_a_stderr_that_takes_no_more_does_no_harm(stderr: str, tmp_path: Path) -> None:
    """Closed, full, or a reader that has gone: the program ends as it would have without debug."""
    if "full" in stderr and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    done = run(USE, tmp_path / "a.db", shell=f'{{ "$0" "$@"; echo "$?" > {tmp_path}/status; }} {stderr}')
    assert (tmp_path / "status").read_text() == "0\n"
    assert len(events(done.stdout)) == ("head" in stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_nothing_of_it_stays_in_a_buffer_of_python(unbuffered: str, tmp_path: Path) -> None:
    """Which would try to write it at the end, and end with 120."""
    shell = f'"$0" "$@" 2>/dev/full; echo "$?" > {tmp_path}/status'
    run(USE, tmp_path / "a.db", shell=shell, environment={"PYTHONUNBUFFERED": unbuffered})
    assert (tmp_path / "status").read_text() == "0\n"


def test_what_stands_in_for_stderr_is_written_to_as_it_wants(tmp_path: Path) -> None:
    """Also where it gives the descriptor of the one that it stands for."""
    code = (
        "import sys\nclass Tee:\n    def __init__(self):\n        self.lines, self.encoding = [], None\n"
        "    def write(self, text):\n        self.lines.append(text)\n    def fileno(self):\n        return 2\n"
        f"    def flush(self):\n        pass\n    def isatty(self):\n        return False\nsys.stderr = Tee()\n{USE}\n"
        "print(''.join(sys.stderr.lines), end='')\n"
    )
    done = run(code, tmp_path / "a.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert {event["event"] for event in events(done.stdout)} == {"backend.call"}


def test_a_stderr_that_stood_in_for_a_while_gets_its_own_summary(tmp_path: Path) -> None:
    """What ends the log goes where the log went, and nowhere once that is closed: a test run ends without a word."""
    code = (
        "import io, sys\nfrom contextlib import redirect_stderr\nfrom rekall.infra.debug_log import finish_debug_logs\n"
        f"caught = io.StringIO()\nwith redirect_stderr(caught):\n    exec({USE!r})\n"
        "if sys.argv[2] == 'open':\n    finish_debug_logs()\n"
        "sys.stdout.write(caught.getvalue())\ncaught.close()\n"
    )
    for stays in ("open", "closed"):
        done = run(code, tmp_path / f"{stays}.db", stays)
        assert (done.returncode, done.stderr) == (0, "")
        assert [event["event"] for event in events(done.stdout)].count("backend.summary") == (stays == "open")
