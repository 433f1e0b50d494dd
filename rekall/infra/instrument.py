"""Around every back-end call, put on once when the container resolves a back end: retry and debug log.

The only file that names wrapt. Each method of the interface becomes one wrapper around the back end's bound method,
kept on a proxy that is an instance of the same abstract class. The back end's own calls to itself go past the proxy, so
there is no retry inside a retry. With debug off the wrapper holds nothing but the retry. A method that is deprecated
carries `rekall.deprecation.deprecated` itself, whose warning skips the frames of this layer: no other method pays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import wrapt

from rekall.infra.debug_log import Logger, logged
from rekall.infra.interfaces import CacheBackend, DatabaseBackend
from rekall.infra.retry import (
    ATTEMPTS,
    NEVER,
    NOT_APPLIED,
    REPEATABLE,
    Arguments,
    Errors,
    Function,
    Options,
    Retry,
    retried,
)

if TYPE_CHECKING:
    from rekall.infra.foreign import Foreign

__all__ = ["CACHE_METHODS", "DATABASE_METHODS", "Retry", "instrument"]

Backend = TypeVar("Backend", DatabaseBackend, CacheBackend)
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


def _proxy(interface: type, methods: Iterable[str]) -> Any:
    # a slot a method: found faster than an attribute in a dict, and no longer abstract
    return type(f"Wrapped{interface.__name__}", (interface,), {"__slots__": ("wrapped", *methods)})


_DatabaseProxy = _proxy(DatabaseBackend, DATABASE_METHODS)
_CacheProxy = _proxy(CacheBackend, CACHE_METHODS)


def instrument(
    backend: Backend, name: str, *, retry: Retry | None = None, log: Logger | None = None, told: Foreign | None = None
) -> Backend:
    """A back end of the same interface that forwards with retry and, given a `log`, with one debug event an attempt.

    Args:
        backend: kept as `wrapped`, for what it has beyond the interface.
        name: stands in the events.
        retry: the timing of retries.
        log: takes the events; None: debug is off.
        told: for a back end of another author: lets no foreign error through, and says more in the others.
    """
    retry = retry or Retry()
    is_database = isinstance(backend, DatabaseBackend)
    proxy = _DatabaseProxy() if is_database else _CacheProxy()
    proxy.wrapped = backend
    for method, errors in (DATABASE_METHODS if is_database else CACHE_METHODS).items():
        call = getattr(backend, method)
        attempts = [call if told is None else told.guarded(method, call)] * ATTEMPTS
        if log is not None:
            attempts = [
                logged(attempt, log, retry.clock, backend=name, operation=method, attempt=number)
                for number, attempt in enumerate(attempts, 1)
            ]
        wrapper = retried(errors, attempts[1:], retry, told.told if told is not None else None)
        if method == "execute_batch":
            wrapper = _with_kept_statements(wrapper)
        # given the instance and the binding, wrapt looks for neither at each call: that would take as long as the rest
        wrapped = wrapt.BoundFunctionWrapper(attempts[0], backend, wrapper, None, "function")
        setattr(proxy, method, wrapped if errors else attempts[0])
    return cast(Backend, proxy)


def _with_kept_statements(wrapper: Function) -> Function:
    """The wrapper of a method that takes statements: an iterator gives them once, and each attempt needs them all."""

    def batch(wrapped: Function, instance: object, args: Arguments, kwargs: Options) -> Any:
        if "statements" in kwargs:
            args = (kwargs.pop("statements"),)
        if args and hasattr(args[0], "__next__"):
            args = (list(args[0]),)
        return wrapper(wrapped, instance, args, kwargs)

    return batch
