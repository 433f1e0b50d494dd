"""What was made of a base, kept in the cache back end for a while.

Nothing here says whether a value is still true: its key or the value itself carries a stamp (`rekall.store.stamps`).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from rekall import config
from rekall.errors import CacheError, InvalidValueError
from rekall.infra.interfaces import CacheBackend

logger = logging.getLogger(__name__)

REST = 1.0
"""Seconds for which a cache that failed is not asked again, where it is done without."""


class _Held(NamedTuple):
    """A value in this process, what it was made of, and when it is forgotten."""

    stamp: str
    until: float
    value: object


class Kept:
    """The cache of one open base.

    A cache that fails is an error where `backends.cache_on_error` says `raise`; otherwise a warning is logged, it is
    done without, and not asked again for a moment: one search asks several times.

    Args:
        cache: gives the cache back end whenever it is needed; None when nothing is to be kept.
        clock: seconds that never go back; for tests.
    """

    def __init__(
        self, cache: Callable[[], CacheBackend] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cache = cache
        self._clock = clock
        self._rests_until = 0.0
        self._failure: CacheError | None = None
        self._told: set[str] = set()
        self._held: dict[str, _Held] = {}

    @property
    def lifetime(self) -> float:
        """Seconds for which values are kept, as `performance.cache_ttl_seconds` says; 0 when nothing is."""
        return 0 if self._cache is None else max(config.get_config().perf_cache_ttl_seconds, 0)

    def get(self, key: str, *, instead: str) -> Any:
        """What is kept under a key; None when nothing is.

        Args:
            instead: what is done without the cache, for the warning, as in `vectors are read from the base`.

        Raises:
            CacheError: the cache fails, and that is to be told.
            ConfigError: the configured back end cannot be used.
        """
        if self._cache is None or not self.lifetime:
            return None
        if self._rests():
            self._tell(f"{instead}, not from the cache")
            return None
        try:
            return self._cache().get(key)
        except CacheError as error:
            self._failed(error)
        self._tell(f"{instead}, not from the cache")
        return None

    def put(self, key: str, value: Any, *, what: str) -> bool:
        """Keep a value; tell whether the cache took it.

        Args:
            value: bytes or JSON-safe.
            what: it is, for the warning, as in `vectors`.

        Raises:
            CacheError, ConfigError: as in `get`.
        """
        lifetime = self.lifetime
        if self._cache is None or not lifetime:
            return False
        if not self._rests():
            try:
                self._cache().set(key, value, lifetime)
                return True
            except InvalidValueError as error:  # too large for it, which is no failure
                logger.warning("%s are not kept in the cache: %s", what, error)
                return False
            except CacheError as error:
                self._failed(error)
        self._tell(f"{what} are not kept in the cache")
        return False

    def hold(self, name: str, stamp: str, value: object) -> None:
        """Keep a value in this process, in place of the one before: for what takes long to unpack.

        Args:
            stamp: of the state of the base that it was made of.
        """
        lifetime = self.lifetime
        if lifetime:
            self._held[name] = _Held(stamp, self._clock() + lifetime, value)

    def held(self, name: str, stamp: str) -> Any:
        """The value that this process keeps of a state of the base; None, and nothing is kept any longer, otherwise."""
        held = self._held.get(name)
        if held is not None and held.stamp == stamp and self._clock() < held.until and self.lifetime:
            return held.value
        self._held.pop(name, None)
        return None

    def _rests(self) -> bool:
        return self._clock() < self._rests_until and config.get_config().cache_on_error != "raise"

    def _failed(self, error: CacheError) -> None:
        """Let the cache rest after a failure, or raise it."""
        if config.get_config().cache_on_error == "raise":
            raise error
        self._rests_until, self._failure, self._told = self._clock() + REST, error, set()

    def _tell(self, what: str) -> None:
        """Log that the cache is done without: once for each thing and failure."""
        if what not in self._told:
            self._told.add(what)
            logger.warning("%s: %s", what, self._failure)


def digest(*parts: object) -> str:
    """A short text that stands for values in a key: 32 characters, the same in every process."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
