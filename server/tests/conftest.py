"""What the tests of the server share with those of Rekall: a home of their own, and long drills on request only.

What needs Redis asks for a fixture that starts a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from server_support.redis import RedisServer

if TYPE_CHECKING:
    from server_support.tls import Tls


def _of_rekall() -> ModuleType:
    """The conftest.py of Rekall's tests, which pytest itself loads only where these run too."""
    spec = spec_from_file_location("conftest_of_rekall", Path(__file__).parents[2] / "tests" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_shared = _of_rekall()
plugins = _shared.plugins
_own_home = _shared._own_home
pytest_configure = _shared.pytest_configure
pytest_collection_modifyitems = _shared.pytest_collection_modifyitems


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of Rekall's tests, where those have not added them."""
    try:
        _shared.pytest_addoption(parser)
    except ValueError as error:
        if "already added" not in str(error):
            raise


@pytest.fixture
def start_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RedisServer]]:
    """Starts a redis-server with lines of redis.conf; all end with the test."""
    with ExitStack() as running:

        def start(*options: str) -> RedisServer:
            return running.enter_context(closing(RedisServer(tmp_path_factory.mktemp("redis"), *options)))

        yield start


@pytest.fixture
def redis_server(start_redis: Callable[..., RedisServer]) -> RedisServer:
    """A redis-server of this test alone, which it may harm."""
    return start_redis()


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One redis-server for all tests that do no harm to it and use keys of their own."""
    with closing(RedisServer(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """Puts TLS in front of a redis-server."""
    from server_support.tls import Tls  # its package takes a moment to import, and two tests need it

    return Tls(tmp_path_factory.mktemp("tls"))
