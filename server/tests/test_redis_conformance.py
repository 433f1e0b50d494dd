"""The cache in Redis keeps the contract of every cache back end, on a real redis-server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from server_support.redis import RedisServer, free_port

from rekall.testing import CacheConformance
from rekall_server.backends.redis_cache import RedisCacheBackend


class TestRedis(CacheConformance):
    """With a prefix for each folder, as each base has one."""

    backend = RedisCacheBackend
    capabilities = ("shared",)
    requires = ("redis",)
    answer_within = 1.0
    url: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _redis(self, shared_redis: RedisServer) -> Iterator[None]:
        type(self).url = shared_redis.url
        yield
        # every check removes what it has set
        assert shared_redis.keys() == []

    def make(self, folder: Path) -> Any:
        return RedisCacheBackend(self.url, prefix=f"rekall:{folder.name}")

    def unreachable(self, folder: Path) -> Any:
        return RedisCacheBackend(f"redis://127.0.0.1:{free_port()}/0", timeout=0.5)
