"""Errors of redis-py as errors of Rekall: what may be tried again, where Redis is, and what to do about it.

Most specific first: redis-py derives the errors of authentication and loading from its ConnectionError.
"""

from __future__ import annotations

import queue
import ssl
from collections.abc import Iterator
from typing import NamedTuple

from redis import exceptions as driver

from rekall.errors import CacheError, CacheOutcomeUnknownError, CacheUnavailableError
from rekall_server.backends.redis_url import FORM, SETTING

DRIVER_ERRORS = (driver.RedisError, OSError, ValueError, OverflowError, RecursionError)
"""What redis-py raises; the last three where the answer is none of Redis, as when a number of the protocol is none."""
_LATER = (driver.BusyLoadingError, driver.TryAgainError, driver.ClusterDownError, driver.MasterDownError)
_REFUSALS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (
        (driver.AuthenticationError, driver.AuthorizationError, driver.AuthenticationWrongNumberOfArgsError),
        f"{{redis}} refuses the user or the password; correct {SETTING}: {FORM}",
    ),
    (
        driver.NoPermissionError,
        "{redis} does not permit {command} to this user: grant it (ACL SETUSER NAME ~PREFIX:* +ping +get +set +exists "
        f"+unlink +scan), or name another user in {SETTING}",
    ),
    (
        driver.OutOfMemoryError,
        "{redis} has no memory left for {command}: raise its maxmemory, or let it drop what is old (maxmemory-policy "
        "allkeys-lru)",
    ),
    (driver.ReadOnlyError, f"{{redis}} is a replica, which takes no {{command}}: name the primary in {SETTING}"),
    (
        (driver.MovedError, driver.AskError, driver.ClusterCrossSlotError),
        f"{{redis}} is a node of a cluster, which this cache does not use: name a single Redis in {SETTING}",
    ),
)
"""What Redis refuses for good, and what a person does about it."""
_LONGEST = 100
"""Characters that are shown of what Redis says."""


class Failure(NamedTuple):
    """What an attempt failed with.

    Args:
        error: to be raised.
        reached: whether Redis answered; None where it was not asked.
    """

    error: CacheError
    reached: bool | None


def translate(error: Exception, place: str, command: str, *, sent: bool, writes: bool, timeout: float) -> Failure:
    """What one of redis-py's errors means.

    Args:
        error: one of `DRIVER_ERRORS`.
        place: where Redis is.
        command: what was called, as Redis names it.
        sent: whether the command may have been sent before it failed.
        writes: whether the command changes something: only then does it matter that it may have been applied.
        timeout: seconds that were waited for an answer.
    """
    redis = f"Redis at {place}"
    for types, text in _REFUSALS:
        if isinstance(error, types):
            return Failure(CacheError(text.format(redis=redis, command=command)), reached=True)
    if isinstance(error, _LATER) or (isinstance(error, driver.ResponseError) and str(error).startswith("BUSY ")):
        return Failure(CacheUnavailableError(f"{redis} takes no calls now: {_said(error)}"), reached=False)
    if isinstance(error, driver.ResponseError):
        what = command if sent else f"the connection that {SETTING} asks for"
        return Failure(CacheError(f"{redis} refuses {what}: {_said(error)}"), reached=True)
    if isinstance(error, (driver.ConnectionError, driver.TimeoutError, OSError)):
        return _unreached(error, redis, sent=sent, writes=writes, timeout=timeout)
    return Failure(not_redis(place), reached=True)


def not_redis(place: str) -> CacheError:
    """The error for an answer that Redis would not give."""
    return CacheError(f"what answers at {place} is not Redis: correct {SETTING}")


def _unreached(error: Exception, redis: str, *, sent: bool, writes: bool, timeout: float) -> Failure:
    """What it means that a connection was not there, or not for long enough."""
    causes = list(_causes(error))
    if any(isinstance(cause, queue.Empty) for cause in causes):
        text = f"no connection to {redis} became free within {timeout:g} s: too many calls at once"
        return Failure(CacheUnavailableError(text), reached=None)
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if tls is not None and not sent:
        text = f"{redis} cannot be spoken to over TLS ({_reason(tls)}): check its certificate, and ssl_ca_certs and the"
        return Failure(CacheError(f"{text} like in {SETTING}"), reached=True)
    if isinstance(error, driver.TimeoutError) or any(isinstance(cause, TimeoutError) for cause in causes):
        reason = f"no answer within {timeout:g} s"
    else:
        known = next((cause for cause in causes if isinstance(cause, OSError) and cause.strerror), None)
        reason = str(known.strerror).lower() if known is not None else _said(error)
    if sent and writes:
        text = f"{redis} may or may not have done what it was told ({reason})"
        return Failure(CacheOutcomeUnknownError(text), reached=False)
    return Failure(
        CacheUnavailableError(f"{redis} cannot be reached ({reason}): start it, or correct {SETTING}"), reached=False
    )


def _reason(error: ssl.SSLError) -> str:
    """Why a connection over TLS was not made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or "no reason given").lower().replace("_", " ")


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _said(error: Exception) -> str:
    """The first words of an error of Redis, without the arguments that it may repeat."""
    text = str(error).partition(", with args")[0]
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
