"""A cache in Redis, which the processes and machines of a team share."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import secrets
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from redis._parsers import _RESP2Parser
from redis.backoff import NoBackoff
from redis.connection import BlockingConnectionPool
from redis.exceptions import ResponseError
from redis.retry import Retry

from rekall.config import get_config
from rekall.errors import CacheError, ConfigError, InvalidValueError
from rekall.infra.interfaces import CacheBackend
from rekall_server.backends.bound import Bound
from rekall_server.backends.redis_errors import DRIVER_ERRORS, not_redis, translate
from rekall_server.backends.redis_pause import PAUSE, Pause
from rekall_server.backends.redis_url import address

SCHEMA_VERSION = 12
"""Rekall's, which is part of every key: what another version has computed is not taken for ours."""
CONNECTIONS = 64
"""At most, opened as they are needed: the 40 threads of a server, and its probes."""
LARGEST = 64 * 2**20
"""Bytes of a value: a larger one would keep Redis, which does one thing at a time, from everybody else."""
_LONGEST_TIMEOUT = 3.0
"""Seconds: three attempts stay under the retry deadline of 10 s."""
_FOREVER = 10.0**11
"""Seconds of a lifetime that needs no end: Redis counts milliseconds since 1970 in 63 bit."""
_BLOCK = 1000
"""Keys that one step of `clear` looks at."""
_BYTES, _JSON = b"b", b"j"
"""The first byte of a value in Redis says what it is."""
_MISSING = object()
_ANSWERS: Mapping[bytes, type | tuple[type, ...]] = {
    b"PING": bytes,
    b"GET": (bytes, type(None)),
    b"SET": bytes,
    b"UNLINK": int,
    b"EXISTS": int,
    b"SCAN": list,
}
"""What Redis answers: anything else comes from something that is not Redis."""


class RedisCacheBackend(CacheBackend):
    """Values in Redis, under `<prefix>:<schema version>:<key>`.

    Each call is one attempt: what is tried again, and how often, is Rekall's retry layer's business, and redis-py's own
    retries are off. After a round of attempts that did not reach Redis all calls fail at once for a second
    (`redis_pause`). A process that was forked opens connections of its own: the pool tells by the process id, and
    nothing here holds a lock.

    Args:
        url: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `rediss://` for TLS, or `unix://PATH?db=DATABASE`.
        prefix: begins every key, so that several bases share one Redis; one of the configured database file if left
            out.
        timeout: seconds to wait for a connection, and for each answer.
        clock: seconds that never go back; for tests.

    Raises:
        ConfigError: one of them is wrong; the text begins with its name.
    """

    interface_version = 1
    options: ClassVar[Mapping[str, type] | None] = {"url": str, "prefix": str, "timeout": float}

    def __init__(
        self,
        url: str = "redis://127.0.0.1:6379/0",
        *,
        prefix: str | None = None,
        timeout: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < timeout <= _LONGEST_TIMEOUT:
            raise ConfigError(f"timeout is {timeout:g}: give seconds above 0 and up to {_LONGEST_TIMEOUT:g}")
        where = address(url)
        self.place = where.place
        self._start = f"{_prefix_of_base() if prefix is None else _checked(prefix)}:{SCHEMA_VERSION}:".encode()
        self._timeout = timeout
        self._pause = Pause(clock)
        self._bound = Bound()
        self._pool: Any = BlockingConnectionPool(  # type: ignore[no-untyped-call]  # redis-py's pools have no types
            max_connections=CONNECTIONS,
            timeout=timeout,
            connection_class=where.connection_class,
            **where.arguments,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=2,  # nothing is said before the first command, where no password and no database are given
            parser_class=_RESP2Parser,  # that of hiredis, once installed, takes a session ticket of TLS for an answer
            driver_info=None,
        )

    def get(self, key: str, default: Any = None) -> Any:
        stored = self._call(b"GET", self._name(key))
        value = _MISSING if stored is None else _decoded(stored)
        return default if value is _MISSING else value

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        name, stored = self._name(key), _encoded(value)
        if len(stored) > LARGEST:
            raise InvalidValueError(f"a value of {len(stored)} bytes is too large for Redis: {LARGEST} at most")
        if ttl is None or ttl >= _FOREVER:
            self._call(b"SET", name, stored)
        elif ttl > 0:
            self._call(b"SET", name, stored, b"PX", max(1, round(ttl * 1000)))
        else:
            self._call(b"UNLINK", name)

    def delete(self, key: str) -> bool:
        return bool(self._call(b"UNLINK", self._name(key)))

    def exists(self, key: str) -> bool:
        return bool(self._call(b"EXISTS", self._name(key)))

    def clear(self) -> None:
        pattern = re.sub(rb"([\\*?\[\]^-])", rb"\\\1", self._start) + b"*"
        cursor = b"0"
        while True:
            answer = self._call(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", _BLOCK)
            if len(answer) != 2 or not isinstance(answer[1], list):
                raise not_redis(self.place)
            cursor, found = answer
            if found:
                self._call(b"UNLINK", *found)
            if cursor == b"0":
                return

    def check(self) -> None:
        """Ask Redis whether it answers, and whether this user may do all that the cache does.

        Raises:
            CacheError: it does not, or may not.
        """
        name = self._name(f"check {secrets.token_hex(8)}")
        self._call(b"PING")
        self._call(b"SET", name, _BYTES, b"PX", 10_000)
        self._call(b"GET", name)
        self._call(b"EXISTS", name)
        self._call(b"SCAN", b"0", b"MATCH", name, b"COUNT", 1)
        self._call(b"UNLINK", name)

    def within(self, seconds: float, work: float = math.inf) -> AbstractContextManager[None]:
        """Let the calls of this thread in a block wait for nothing, and so not for Redis: they raise `CallGivenUp`.

        Args:
            seconds: as of a database back end; here no time is short enough.
            work: likewise.
        """
        return self._bound.within(seconds, work)

    def close(self) -> None:
        """Close the connections that no thread is using; a call afterwards opens a new one."""
        self._pool.disconnect(inuse_connections=False)

    def _name(self, key: str) -> bytes:
        try:
            return self._start + key.encode()
        except UnicodeEncodeError as error:
            raise InvalidValueError(f"a key is no text of Unicode: {error.reason}") from error

    def _call(self, command: bytes, *arguments: bytes | int) -> Any:
        """The answer of Redis to one command, sent once."""
        self._bound.refuse()
        failure = self._pause.refusal()
        if failure is not None:
            raise CacheError(f"for {PAUSE:g} s calls of the cache fail at once, since {failure}")
        sent = False
        try:
            connection = self._pool.get_connection()
            sent = True
            try:
                connection.send_command(command, *arguments)
                answer = connection.read_response()
            except ResponseError:
                raise
            except BaseException:
                # the answer may be on its way: nobody else may take it for that to another question
                connection.disconnect()
                raise
            finally:
                self._pool.release(connection)
        except DRIVER_ERRORS as error:
            raise self._failed(error, command, arguments[:1], sent) from error
        except BaseException:
            self._pause.given_up()
            raise
        self._pause.reached()
        if not isinstance(answer, _ANSWERS[command]):
            raise not_redis(self.place)
        return answer

    def _failed(self, error: Exception, command: bytes, key: Hashable, sent: bool) -> CacheError:
        failure = translate(
            error,
            self.place,
            command.decode(),
            sent=sent,
            writes=command in (b"SET", b"UNLINK"),
            timeout=self._timeout,
        )
        if failure.reached:
            self._pause.reached()
        elif failure.reached is None:
            self._pause.given_up()
        else:
            self._pause.failed((command, key), str(failure.error))
        return failure.error


def _prefix_of_base() -> str:
    """One for each database file: another one for another file, the same in every process."""
    path = os.path.realpath(get_config().db_path)
    return f"rekall:{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def _checked(prefix: str) -> str:
    if not prefix or not prefix.isprintable():
        raise ConfigError("prefix is empty or has control characters: give a word, as in rekall:team")
    return prefix


def _encoded(value: Any) -> bytes:
    if isinstance(value, bytes):
        return _BYTES + value
    try:
        return _JSON + json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValueError(
            f"a {type(value).__name__} cannot be cached ({error}): give bytes, or what JSON can hold"
        ) from error


def _decoded(stored: bytes) -> Any:
    """The value; `_MISSING` for what no cache of ours has stored, which is not there for anybody."""
    kind = stored[:1]
    if kind == _BYTES:
        return stored[1:]
    try:
        return json.loads(stored[1:]) if kind == _JSON else _MISSING
    except (ValueError, RecursionError):
        return _MISSING
