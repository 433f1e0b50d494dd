"""The debug log: on stderr one event for each attempt of a back-end call, never a value that was passed or returned.

Imported with the adapter layer; structlog only when debug is on.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, Protocol, cast


class Logger(Protocol):
    """What is used of a structlog logger."""

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
            return result
        except BaseException as error:
            fields = {"outcome": "error", "error": type(error).__name__}
            raise
        finally:
            milliseconds = round((clock() - started) * 1000, 3)
            log.debug("backend.call", backend=backend, operation=operation, ms=milliseconds, attempt=attempt, **fields)

    return call


@functools.cache
def debug_logger() -> Logger:
    """A structlog logger that writes one line an event to stderr (stdout belongs to output and to MCP).

    Configured by itself: neither does it follow a program's own structlog configuration, nor change it.
    """
    import structlog

    processors: list[structlog.typing.Processor] = [
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.KeyValueRenderer(key_order=["timestamp", "event", "backend", "operation"]),
    ]
    wrapper = structlog.make_filtering_bound_logger(0)
    return cast(Logger, structlog.wrap_logger(_Stderr(), processors=processors, wrapper_class=wrapper))


class _Stderr:
    """Where events go; one that nobody reads any more must not fail a call that was applied."""

    def debug(self, line: str) -> None:
        if sys.stderr is not None:
            try:
                sys.stderr.write(line + "\n")
            except (OSError, ValueError):
                return


def _rows(operation: str, result: Any) -> int | None:
    if operation == "fetch_all":
        return len(result)
    if operation == "fetch_one":
        return 0 if result is None else 1
    if operation == "execute_batch":
        return cast(int, result)
    return getattr(result, "rowcount", None) if operation == "execute" else None
