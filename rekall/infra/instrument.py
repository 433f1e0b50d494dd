"""Around every back-end call, put on once when the container resolves a back end: retry and debug log.

The only file that names wrapt. Each method of the interface becomes one `wrapt.FunctionWrapper` around the back end's
bound method, kept on a proxy that is an instance of the same abstract class. The back end's own calls to itself go past
the proxy, so there is no retry inside a retry. With debug off the wrapper holds nothing but the retry.

=====================  ====  =====  =======================
error                  read  write  write stated idempotent
=====================  ====  =====  =======================
`TransientError`       again again  again
`OutcomeUnknownError`  again raise  again
everything else        raise raise  raise
=====================  ====  =====  =======================
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import wrapt

from rekall.errors import OutcomeUnknownError, TransientError
from rekall.infra.interfaces import CacheBackend, DatabaseBackend

ATTEMPTS = 3
BASE_DELAY = 0.1
DEADLINE = 10.0

READ, WRITE, IDEMPOTENT, PLAIN = "read", "write", "idempotent write", "plain"
"""How a method may be retried. A `WRITE` is idempotent where its caller states so; `PLAIN` is never retried."""

DATABASE_METHODS: Mapping[str, str] = {
    "connect": READ,
    "close": PLAIN,
    "is_connected": PLAIN,
    "execute": WRITE,
    "fetch_one": READ,
    "fetch_all": READ,
    "execute_batch": WRITE,
    "backup": PLAIN,
}
CACHE_METHODS: Mapping[str, str] = {
    "get": READ,
    "set": IDEMPOTENT,
    "delete": IDEMPOTENT,
    "clear": IDEMPOTENT,
    "exists": READ,
}


class Logger(Protocol):
    """What is used of a structlog logger."""

    def debug(self, event: str, **fields: Any) -> Any: ...


def _uniform(low: float, high: float) -> float:
    import random  # only a retry draws, and the import costs as much as a search

    return random.uniform(low, high)  # noqa: S311  # spreads retries, guards no secret


@dataclass(frozen=True)
class Retry:
    """At most three attempts; the delay before attempt n+1 is 0.1 s x 2^(n-1) x uniform(0.5, 1); 10 s over all.

    Args:
        sleep: waits for seconds.
        uniform: draws from a range, as `random.uniform`.
        clock: seconds that never go back; the deadline includes the waiting inside the driver.
    """

    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = _uniform
    clock: Callable[[], float] = time.monotonic

    def delay(self, attempt: int) -> float:
        """Seconds to wait after this attempt (1 for the first) has failed."""
        return BASE_DELAY * 2.0 ** (attempt - 1) * self.uniform(0.5, 1.0)


def instrument_database(
    backend: DatabaseBackend, name: str, *, retry: Retry | None = None, log: Logger | None = None
) -> DatabaseBackend:
    """A `DatabaseBackend` that forwards to `backend` with retry and, given a `log`, one debug event an attempt."""
    return _wrap(_DatabaseProxy(backend), backend, name, DATABASE_METHODS, retry or Retry(), log)


def instrument_cache(
    backend: CacheBackend, name: str, *, retry: Retry | None = None, log: Logger | None = None
) -> CacheBackend:
    """A `CacheBackend` that forwards to `backend` with retry and, given a `log`, one debug event an attempt."""
    return _wrap(_CacheProxy(backend), backend, name, CACHE_METHODS, retry or Retry(), log)


def debug_logger() -> Logger:
    """A structlog logger that writes one line an event to stderr (stdout belongs to output and to MCP).

    Configured by itself: a program's own structlog configuration stays as it is.
    """
    import sys

    import structlog

    processors: list[structlog.typing.Processor] = [
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.KeyValueRenderer(key_order=["timestamp", "event", "backend", "operation"]),
    ]
    return cast(Logger, structlog.wrap_logger(structlog.PrintLogger(sys.stderr), processors=processors))


class _DatabaseProxy(DatabaseBackend):
    """Its methods are the wrappers that `_wrap` keeps on the instance."""

    connect = close = is_connected = execute = fetch_one = fetch_all = execute_batch = backup = cast(Any, None)

    def __init__(self, backend: DatabaseBackend) -> None:
        self.wrapped = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)


class _CacheProxy(CacheBackend):
    """Its methods are the wrappers that `_wrap` keeps on the instance."""

    get = set = delete = clear = exists = cast(Any, None)

    def __init__(self, backend: CacheBackend) -> None:
        self.wrapped = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)


Proxy = TypeVar("Proxy", _DatabaseProxy, _CacheProxy)
Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def _wrap(
    proxy: Proxy, backend: object, name: str, methods: Mapping[str, str], retry: Retry, log: Logger | None
) -> Proxy:
    for method, kind in methods.items():
        function = getattr(backend, method)
        if log is not None:
            setattr(proxy, method, wrapt.FunctionWrapper(function, _logged(method, kind, name, retry, log)))
        elif kind == PLAIN:
            setattr(proxy, method, function)
        else:
            setattr(proxy, method, wrapt.FunctionWrapper(function, _retried(kind, retry)))
    return proxy


def _retried(kind: str, retry: Retry) -> Wrapper:
    """The wrapper of a method while debug is off: a plain call, and the retry once it has failed."""
    clock = retry.clock

    def write(wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        idempotent = kwargs.pop("idempotent", False)
        started = clock()
        try:
            return wrapped(*args, **kwargs)
        except (TransientError, OutcomeUnknownError) as error:
            return _again(
                error, started, retry, IDEMPOTENT if idempotent else WRITE, lambda _attempt: wrapped(*args, **kwargs)
            )

    def read(wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        started = clock()
        try:
            return wrapped(*args, **kwargs)
        except (TransientError, OutcomeUnknownError) as error:
            return _again(error, started, retry, kind, lambda _attempt: wrapped(*args, **kwargs))

    return write if kind == WRITE else read


def _logged(method: str, kind: str, name: str, retry: Retry, log: Logger) -> Wrapper:
    """The wrapper of a method while debug is on: every attempt leaves one event, and never a value that was passed."""

    def call(wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        idempotent = kwargs.pop("idempotent", False) if kind == WRITE else False

        def attempt(number: int) -> Any:
            started = retry.clock()
            fields: dict[str, Any] = {"outcome": "ok"}
            try:
                result = wrapped(*args, **kwargs)
                rows = _rows(method, result)
                if rows is not None:
                    fields["rows"] = rows
                return result
            except BaseException as error:
                fields = {"outcome": "error", "error": type(error).__name__}
                raise
            finally:
                milliseconds = round((retry.clock() - started) * 1000, 3)
                log.debug("backend.call", backend=name, operation=method, ms=milliseconds, attempt=number, **fields)

        started = retry.clock()
        try:
            return attempt(1)
        except (TransientError, OutcomeUnknownError) as error:
            return _again(error, started, retry, IDEMPOTENT if idempotent else kind, attempt)

    return call


def _again(error: Exception, started: float, retry: Retry, kind: str, attempt: Callable[[int], Any]) -> Any:
    """Attempts 2 and 3, while the error may be retried and the deadline allows; else raises the last error as it is."""
    for number in range(2, ATTEMPTS + 1):
        if kind == PLAIN or (kind == WRITE and not isinstance(error, TransientError)):
            raise error
        delay = retry.delay(number - 1)
        if retry.clock() - started + delay >= DEADLINE:
            raise error
        retry.sleep(delay)
        try:
            return attempt(number)
        except (TransientError, OutcomeUnknownError) as latest:
            error = latest
    raise error


def _rows(method: str, result: Any) -> int | None:
    if method == "fetch_all":
        return len(result)
    if method == "fetch_one":
        return 0 if result is None else 1
    if method == "execute_batch":
        return cast(int, result)
    return getattr(result, "rowcount", None)
