"""A thread that may not wait does not wait for Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from server_support.redis import RedisServer

from rekall.infra.interfaces import CallGivenUp
from rekall_server.backends.redis_cache import RedisCacheBackend


def test_calls_within_a_bound_are_given_up(shared_redis: RedisServer) -> None:
    """In the block every call of this thread is given up before anything is sent; other threads go on."""
    cache = RedisCacheBackend(shared_redis.url, prefix="bound")
    cache.set("kept", 1)
    with cache.within(1.0), ThreadPoolExecutor(1) as elsewhere:
        for call in (lambda: cache.get("kept"), lambda: cache.set("new", 2), lambda: cache.exists("kept"), cache.clear):
            with pytest.raises(CallGivenUp):
                call()
        assert elsewhere.submit(cache.get, "kept").result() == 1
        assert elsewhere.submit(cache.get, "new", "nothing").result() == "nothing"
    assert cache.get("kept") == 1
    cache.clear()
    cache.close()
