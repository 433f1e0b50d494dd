"""What was made of a base, kept in the cache back end for a while; a cache that fails is told of, and done without."""

from __future__ import annotations

import logging
from typing import Any

from rekall import config
from rekall.errors import CacheError, InvalidValueError
from rekall.store import OpenBase

logger = logging.getLogger(__name__)


def get(db: OpenBase, name: str) -> Any:
    """What is kept of a base under a name; None when nothing is."""
    cache = db.cache_backend
    try:
        return None if cache is None else cache.get(_key(db, name))
    except CacheError as error:
        logger.warning("vectors are read from the base, not from the cache: %s", error)
        return None


def put(db: OpenBase, name: str, value: Any) -> None:
    """Keep a value for the configured `performance.cache_ttl_seconds`.

    Args:
        value: bytes or JSON-safe.
    """
    cache = db.cache_backend
    try:
        if cache is not None:
            cache.set(_key(db, name), value, config.get_config().perf_cache_ttl_seconds)
    except (CacheError, InvalidValueError) as error:  # the latter: too large for it
        logger.warning("vectors are not kept in the cache: %s", error)


def _key(db: OpenBase, name: str) -> str:
    return f"{name}:{db.store.session.path}"
