"""What the server counts: tool calls, HTTP answers and back-end calls, summed over all worker processes.

The workers share a folder in which each keeps its figures in files of its own (prometheus-client's multiprocess mode).
The parent makes the folder with `shared_folder` before any of them starts. Without one, a process counts for itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekall.config import get_config
from rekall.errors import CacheOutcomeUnknownError, CacheUnavailableError, InvalidValueError
from rekall.infra.instrument import CACHE_METHODS
from rekall.infra.interfaces import CallGivenUp
from rekall.infra.retry import ATTEMPTS
from rekall_server.private_folder import private_folder

if TYPE_CHECKING:  # prometheus-client chooses its mode when it is imported: not before the folder is named
    from prometheus_client import CollectorRegistry, Counter, Histogram, Metric

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus-client, and every worker, finds the folder."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES = ("ok", "refused", "unavailable", "error")
"""How a call of a tool ends: `refused` is the caller's mistake, `unavailable` a back end's failure."""

_TOOL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BACKEND_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0)
_WAIT_SECONDS = (0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0)

_TRIED_AGAIN = (CacheUnavailableError.__name__, CacheOutcomeUnknownError.__name__)
_NOT_TAKEN = InvalidValueError.__name__
"""The error of a value that the cache does not take, which is no failure of the cache."""
_GIVEN_UP = CallGivenUp.__name__
"""What ends a call on the event loop that would have to wait: a thread makes it again, and nothing has failed."""


def prepare(folder: Path) -> None:
    """Let this process, and those that it starts, count into a folder.

    Args:
        folder: exists, and is the server's alone.

    Raises:
        RuntimeError: prometheus-client was imported already, and counts in memory.
    """
    if "prometheus_client" in sys.modules and os.environ.get(FOLDER) != str(folder):
        raise RuntimeError("prometheus_client was imported before metrics.prepare: it would count in memory")
    os.environ[FOLDER] = str(folder)


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A private folder for the figures of this server's processes, removed at the end."""
    with private_folder("rekall-server-figures-") as folder:
        try:
            prepare(folder)
            yield folder
        finally:
            os.environ.pop(FOLDER, None)


class Metrics:
    """The figures of this process, and the sum of all.

    Every method may be called from any thread, and takes a few microseconds. No label holds what a user wrote.

    Attributes:
        observer: takes the events of back-end calls: the `observer` of a `ServiceContainer`.
    """

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._registry = registry = CollectorRegistry()
        self._folder = os.environ.get(FOLDER)
        self._tools = Counter(
            "rekall_tool_calls", "Calls of tools, by tool and outcome.", ["tool", "outcome"], registry=registry
        )
        self._tool_seconds = Histogram(
            "rekall_tool_call_duration_seconds",
            "Time that a call of a tool took.",
            ["tool"],
            buckets=_TOOL_SECONDS,
            registry=registry,
        )
        self._responses = Counter(
            "rekall_http_responses", "HTTP answers, by class of status.", ["status"], registry=registry
        )
        self._waits = Histogram(
            "rekall_pool_wait_seconds",
            "Time that a call waited for a connection to the database.",
            buckets=_WAIT_SECONDS,
            registry=registry,
        )
        Gauge("rekall_workers", "Worker processes that live.", multiprocess_mode="livesum", registry=registry).set(1)
        self.observer = Observer(registry)
        self._tool_children: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._response_children = [self._responses.labels(f"{number}xx") for number in range(1, 6)]

    def tool(self, name: str, outcome: str, seconds: float) -> None:
        """Count a call of a tool.

        Args:
            name: of the tool; one that the server has.
            outcome: one of `OUTCOMES`.
            seconds: that it took.
        """
        children = self._tool_children.get((name, outcome))
        if children is None:
            children = self._tools.labels(name, outcome), self._tool_seconds.labels(name)
            self._tool_children[name, outcome] = children
        children[0].inc()
        children[1].observe(seconds)

    def response(self, status: int) -> None:
        """Count an HTTP answer.

        Args:
            status: from 100 to 599.
        """
        self._response_children[status // 100 - 1].inc()

    def wait(self, seconds: float) -> None:
        """Count a call that waited so long for a connection to the database."""
        self._waits.observe(seconds)

    def exposition(self) -> bytes:
        """The figures of all processes in Prometheus' text format; takes milliseconds."""
        from prometheus_client import CollectorRegistry, generate_latest

        if self._folder is None:
            return generate_latest(self._registry)
        folder = Path(self._folder)
        _forget_dead(folder)
        registry = CollectorRegistry()
        registry.register(_Sum(folder))
        return generate_latest(registry)


class Observer:
    """Counts the back-end calls (`rekall.infra.debug_log.Logger`).

    Args:
        registry: of this process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        self._seconds = Histogram(
            "rekall_backend_call_duration_seconds",
            "Time that one attempt of a back-end call took; the count is that of the attempts.",
            ["backend", "operation", "outcome"],
            buckets=_BACKEND_SECONDS,
            registry=registry,
        )
        self._retries = Counter(
            "rekall_backend_retries", "Attempts after the first.", ["backend", "operation"], registry=registry
        )
        self._gets = Counter(
            "rekall_cache_gets", "Values asked of the cache, found or not.", ["backend", "result"], registry=registry
        )
        self._failures = Counter(
            "rekall_cache_failures",
            "Cache calls given up: bypassed, which is answered from the database, or raised to the caller.",
            ["backend", "answer"],
            registry=registry,
        )
        self._failing = Gauge(
            "rekall_cache_failing",
            "Workers whose last call of the cache failed.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._is_failing = False
        # the children by what stands in an event: `labels` takes a lock and makes texts
        self._calls: dict[tuple[str, str, str], Histogram] = {}
        self._found: dict[tuple[str, bool], Counter] = {}

    def debug(
        self,
        event: str,
        *,
        backend: str = "",
        operation: str = "",
        ms: float = 0.0,
        attempt: int = 1,
        outcome: str = "",
        error: str = "",
        hit: bool | None = None,
        **others: Any,
    ) -> None:
        """Count one attempt of a call.

        Args:
            event: its name; others than `backend.call` do not count.
            backend: name of the back end.
            operation: name of the method.
            ms: milliseconds that it took.
            attempt: its number, from 1.
            outcome: `ok` or `error`.
            error: class of the error.
            hit: whether a cache had the value; None for other calls.
            others: not counted.
        """
        if event != "backend.call":
            return
        if error == _GIVEN_UP:
            outcome = "given_up"
        child = self._calls.get((backend, operation, outcome))
        if child is None:
            child = self._calls[backend, operation, outcome] = self._seconds.labels(backend, operation, outcome)
        child.observe(ms / 1000.0)
        if attempt > 1:
            self._retries.labels(backend, operation).inc()
        if operation in CACHE_METHODS and error not in (_GIVEN_UP, _NOT_TAKEN):
            self._of_cache(backend, attempt, error, hit)

    def _of_cache(self, backend: str, attempt: int, error: str, hit: bool | None) -> None:
        if (error != "") is not self._is_failing:
            self._is_failing = error != ""
            self._failing.set(float(self._is_failing))
        if error and (attempt >= ATTEMPTS or error not in _TRIED_AGAIN):
            answer = "bypassed" if get_config().cache_on_error == "bypass" else "raised"
            self._failures.labels(backend, answer).inc()
        if hit is not None:
            found = self._found.get((backend, hit))
            if found is None:
                found = self._found[backend, hit] = self._gets.labels(backend, "hit" if hit else "miss")
            found.inc()


class _Sum:
    """Collects what all processes have counted.

    Args:
        folder: where they count.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """The sums; asked by prometheus-client."""
        from prometheus_client.multiprocess import MultiProcessCollector

        # one that is empty was made by a process that starts just now, and cannot be read yet
        files = [str(file) for file in self._folder.glob("*.db") if _size(file)]
        sums: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # its own
        return sums


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # of a dead process, forgotten meanwhile
        return 0


def _forget_dead(folder: Path) -> None:
    """Drop what says how things are, not how much was done, of workers that were killed."""
    from prometheus_client.multiprocess import mark_process_dead

    for process in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another process does the same
                mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]  # its own
        except PermissionError:
            continue  # it lives, as another user
