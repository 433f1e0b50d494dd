"""Around every back-end call, put on once when the container resolves a back end: retry and debug log.

The only file that names wrapt. Each method of the interface becomes one wrapper around the back end's bound method,
kept on a proxy that is an instance of the same abstract class. The back end's own calls to itself go past the proxy, so
there is no retry inside a retry. With debug off the wrapper holds nothing but the retry. A method that is deprecated
carries `rekall.deprecation.deprecated` itself, whose warning skips the frames of this layer: no other method pays.

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
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import wrapt

from rekall.errors import OutcomeUnknownError, TransientError
from rekall.infra.debug_log import Logger, logged
from rekall.infra.interfaces import CacheBackend, DatabaseBackend

ATTEMPTS = 3
BASE_DELAY = 0.1
DEADLINE = 10.0

Backend = TypeVar("Backend", DatabaseBackend, CacheBackend)
Function = Callable[..., Any]
Arguments = tuple[Any, ...]
Options = dict[str, Any]
Errors = tuple[type[Exception], ...]

REPEATABLE: Errors = (TransientError, OutcomeUnknownError)
"""Retried for reads and idempotent writes: doing it twice is doing it once."""
NOT_APPLIED: Errors = (TransientError,)
"""Retried for other writes: only what certainly was not applied."""
NEVER: Errors = ()

DATABASE_METHODS: Mapping[str, Errors] = {
    "connect": REPEATABLE,
    "close": NEVER,
    "is_connected": NEVER,
    "execute": NOT_APPLIED,
    "fetch_one": REPEATABLE,
    "fetch_all": REPEATABLE,
    "execute_batch": NOT_APPLIED,
    "backup": NEVER,
}
CACHE_METHODS: Mapping[str, Errors] = dict.fromkeys(("get", "set", "delete", "clear", "exists"), REPEATABLE)


def _uniform(low: float, high: float) -> float:
    import random  # only a retry draws, and the import costs as much as a search

    return random.uniform(low, high)  # noqa: S311  # spreads retries, guards no secret


class Retry(NamedTuple):
    """At most three attempts; the delay before attempt n+1 is 0.1 s x 2^(n-1) x uniform(0.5, 1); 10 s over all.

    Args:
        sleep: waits for seconds.
        uniform: draws from a range, as `random.uniform`.
        clock: seconds that never go back; the deadline includes the waiting inside the driver.
    """

    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = _uniform
    clock: Callable[[], float] = time.monotonic


def _proxy(interface: type, methods: Iterable[str]) -> Any:
    # a slot a method: found faster than an attribute in a dict, and no longer abstract
    return type(f"Wrapped{interface.__name__}", (interface,), {"__slots__": ("wrapped", *methods)})


_DatabaseProxy = _proxy(DatabaseBackend, DATABASE_METHODS)
_CacheProxy = _proxy(CacheBackend, CACHE_METHODS)


def instrument(backend: Backend, name: str, *, retry: Retry | None = None, log: Logger | None = None) -> Backend:
    """A back end of the same interface that forwards with retry and, given a `log`, with one debug event an attempt.

    Args:
        backend: kept as `wrapped`, for what it has beyond the interface.
        name: stands in the events.
        retry: the timing of retries.
        log: takes the events; None: debug is off.
    """
    retry = retry or Retry()
    is_database = isinstance(backend, DatabaseBackend)
    proxy = _DatabaseProxy() if is_database else _CacheProxy()
    proxy.wrapped = backend
    for method, errors in (DATABASE_METHODS if is_database else CACHE_METHODS).items():
        attempts = [getattr(backend, method)] * ATTEMPTS
        if log is not None:
            attempts = [
                logged(attempt, log, retry.clock, backend=name, operation=method, attempt=number)
                for number, attempt in enumerate(attempts, 1)
            ]
        wrapper = _retried(errors, attempts[1:], retry)
        if method == "execute_batch":
            wrapper = _with_kept_statements(wrapper)
        # given the instance and the binding, wrapt looks for neither at each call: that would take as long as the rest
        wrapped = wrapt.BoundFunctionWrapper(attempts[0], backend, wrapper, None, "function")
        setattr(proxy, method, wrapped if errors else attempts[0])
    return cast(Backend, proxy)


def _retried(errors: Errors, later: Sequence[Function], retry: Retry) -> Function:
    """The wrapper of a method: a plain call, and the `later` attempts once it has failed."""
    clock = retry.clock

    def read(wrapped: Function, _instance: object, args: Arguments, kwargs: Options) -> Any:
        started = clock()
        try:
            return wrapped(*args, **kwargs) if kwargs else wrapped(*args)
        except REPEATABLE as error:
            return again(REPEATABLE, error, started, args, kwargs)

    def write(wrapped: Function, instance: object, args: Arguments, kwargs: Options) -> Any:
        if kwargs and kwargs.pop("idempotent", False):
            return read(wrapped, instance, args, kwargs)  # as repeatable as a read
        started = clock()
        try:
            return wrapped(*args, **kwargs) if kwargs else wrapped(*args)
        except NOT_APPLIED as error:
            return again(NOT_APPLIED, error, started, args, kwargs)

    def again(retryable: Errors, error: Exception, started: float, args: Arguments, kwargs: Options) -> Any:
        for number, attempt in enumerate(later):
            delay = BASE_DELAY * 2.0**number * retry.uniform(0.5, 1.0)
            if clock() - started + delay >= DEADLINE:
                break
            retry.sleep(delay)
            try:
                return attempt(*args, **kwargs)
            except retryable as latest:
                error = latest
        raise error

    return read if errors is REPEATABLE else write


def _with_kept_statements(wrapper: Function) -> Function:
    """The wrapper of a method that takes statements: an iterator gives them once, and each attempt needs them all."""

    def batch(wrapped: Function, instance: object, args: Arguments, kwargs: Options) -> Any:
        if "statements" in kwargs:
            args = (kwargs.pop("statements"),)
        if args and hasattr(args[0], "__next__"):
            args = (list(args[0]),)
        return wrapper(wrapped, instance, args, kwargs)

    return batch
