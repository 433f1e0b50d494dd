"""Which calls are tried again, how often and when: the back end's error says it, never its text.

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
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rekall.errors import OutcomeUnknownError, TransientError

ATTEMPTS = 3
BASE_DELAY = 0.1
DEADLINE = 10.0

Function = Callable[..., Any]
Arguments = tuple[Any, ...]
Options = dict[str, Any]
Told = Callable[[Exception], None]
Errors = tuple[type[Exception], ...]

REPEATABLE: Errors = (TransientError, OutcomeUnknownError)
"""Retried for reads and idempotent writes: doing it twice is doing it once."""
NOT_APPLIED: Errors = (TransientError,)
"""Retried for other writes: only what certainly was not applied."""
NEVER: Errors = ()


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


def retried(errors: Errors, later: Sequence[Function], retry: Retry, told: Told | None = None) -> Function:
    """The wrapper of a method, as wrapt calls it: a plain call, and the later attempts once it has failed.

    Args:
        errors: what may be tried again: `REPEATABLE` or `NOT_APPLIED`.
        later: the method once more for each further attempt.
        retry: the timing.
        told: called with the error of a call that is given up, which may say more in it.
    """
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
        if told is not None:
            told(error)
        raise error

    return read if errors is REPEATABLE else write
