"""The debug log: one event for each attempt of a back-end call, never a value that was passed or returned.

Imported with the adapter layer; structlog, and what writes and counts, only when debug is on.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rekall.config import Config
    from rekall.infra.debug_summary import Summary
    from rekall.infra.debug_target import Place, Target


class Logger(Protocol):
    """What takes the events."""

    def debug(self, event: str, **fields: Any) -> Any: ...


def logged(
    function: Callable[..., Any], log: Logger, clock: Callable[[], float], *, backend: str, operation: str, attempt: int
) -> Callable[..., Any]:
    """The same function, leaving one event.

    Args:
        function: the bound method of a back end.
        log: takes the event.
        clock: seconds that never go back.
        backend: name of the back end.
        operation: name of the method.
        attempt: number of the attempt, from 1.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        fields: dict[str, Any] = {"outcome": "ok"}
        started = clock()
        try:
            result = function(*args, **kwargs)
            rows = _rows(operation, result)
            if rows is not None:
                fields["rows"] = rows
            elif operation == "get":  # a stored None that is asked for without another default counts as a miss
                fields["hit"] = result is not (args[1] if len(args) > 1 else kwargs.get("default"))
            elif operation == "exists":
                fields["hit"] = result is True
            return result
        except BaseException as error:
            fields = {"outcome": "error", "error": type(error).__name__}
            raise
        finally:
            milliseconds = round((clock() - started) * 1000, 3)
            log.debug("backend.call", backend=backend, operation=operation, ms=milliseconds, attempt=attempt, **fields)

    return call


class _Both:
    """Hands each event to two loggers."""

    def __init__(self, first: Logger, second: Logger) -> None:
        self._first, self._second = first, second

    def debug(self, event: str, **fields: Any) -> None:
        self._first.debug(event, **fields)
        self._second.debug(event, **fields)


def told_to_all(first: Logger | None, second: Logger | None) -> Logger | None:
    """One logger that stands for two, of which any may be missing; None when both are."""
    if first is None or second is None:
        return first or second
    return _Both(first, second)


class DebugLog:
    """Writes the events to one place, counts them, and ends with a summary.

    Args:
        target: where it goes.
        form: `terminal`, `text` or `json`; see `rekall.infra.debug_form`.
        clock: seconds that never go back.
    """

    def __init__(self, target: Target, form: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        from rekall.infra.debug_form import event_logger, summary_text
        from rekall.infra.debug_summary import Summary

        self.summary: Summary = Summary()
        self._target = target
        self._events = event_logger(target, form)
        self._summary_text: Callable[[], str] = lambda: summary_text(self.summary, form)
        # reentrant: a signal may end the process, and so this log, in the middle of an event
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._clock = clock
        self._ended = threading.local()
        self._is_finished = False

    def debug(self, event: str, **fields: Any) -> None:
        """Count and write one event.

        Args:
            event: its name.
            fields: what `logged` gives. A further attempt can only follow the one before in the same thread: so it is
                known how long was waited for it.
        """
        now = self._clock()
        if fields["attempt"] > 1:
            waited = now - fields["ms"] / 1000 - self._ended.at
            fields["waited_ms"] = max(round(waited * 1000, 3), 0.0)
        self._ended.at = now
        with self._lock:
            self.summary.add(fields)
            self._events.debug(event, **fields)

    def finish(self) -> None:
        """Write the summary, once; not so in a process that was forked from the one that began the log."""
        with self._lock:
            if not self._is_finished and os.getpid() == self._process:
                self._is_finished = True
                self._target.write_last(self._summary_text())


_logs: dict[Place, DebugLog] = {}
_logs_lock = threading.Lock()


def debug_logger(config: Config) -> DebugLog:
    """The debug log that a configuration asks for: one for each place and form, which ends with the process.

    Args:
        config: says where and how to write; that `debug` is on is the caller's business.

    Raises:
        ConfigError: `debug_file` cannot be written.
    """
    import atexit

    from rekall.infra.debug_target import open_target, place_of

    place = place_of(config)
    with _logs_lock:
        log = _logs.get(place)
        if log is None:
            target = open_target(place, config)
            log = _logs[place] = DebugLog(target, place.form_on(target))
            atexit.register(log.finish)
        return log


def finish_debug_logs() -> None:
    """Write the summaries now, for a process that is about to end without Python's own ending."""
    for log in list(_logs.values()):
        log.finish()


def _rows(operation: str, result: Any) -> int | None:
    """How many rows were given or changed, if the back end answers as the interface says."""
    if operation == "fetch_all":
        return len(result) if isinstance(result, (list, tuple)) else None
    if operation == "fetch_one":
        return 0 if result is None else 1
    number = result if operation == "execute_batch" else getattr(result, "rowcount", None)
    return number if isinstance(number, int) and operation in ("execute", "execute_batch") else None
