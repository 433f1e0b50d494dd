"""What the pooled back end may be given, and what is said of a value that it cannot use."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest
from server_support.pooled import opened

from rekall import config
from rekall.errors import ConfigError, NotSupportedError
from rekall.infra import ServiceContainer
from rekall_server.backends.pooled_db import PooledDatabaseBackend


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool_size": 0}, "pool_size is 0: give 1 or more"),
        ({"pool_size": -3}, "pool_size is -3: give 1 or more"),
        ({"busy_timeout": 10.5}, "busy_timeout is 10.5: give seconds from 0 to 10"),
        ({"busy_timeout": -1}, "busy_timeout is -1: give seconds from 0 to 10"),
        ({"busy_timeout": math.nan}, "busy_timeout is nan: give seconds from 0 to 10"),
        ({"query_timeout": 0}, "query_timeout is 0: give seconds above 0"),
        ({"query_timeout": math.inf}, "query_timeout is inf: give seconds above 0"),
        ({"wait_timeout": -0.5}, "wait_timeout is -0.5: give seconds above 0"),
        ({"wait_timeout": math.nan}, "wait_timeout is nan: give seconds above 0"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """In the constructor, before anything is opened or made."""
    with pytest.raises(ConfigError) as caught:
        PooledDatabaseBackend(tmp_path / "a.db", **options)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("pool_size = 0", "backends.database_options: pool_size is 0: give 1 or more"),
        ('pool_size = "two"', "backends.database_options.pool_size is text, an integer is needed"),
        ("poolsize = 2", "backends.database_options.poolsize: unknown option, did you mean pool_size?"),
    ],
)
def test_the_file_is_named_that_gave_it(line: str, message: str, tmp_path: Path) -> None:
    """A wrong value of config.toml is told with the file and the key."""
    file = config.get_config().paths.config_dir / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'[backends]\ndatabase = "pooled"\n[backends.database_options]\n{line}\n', "utf-8")
    config.reset_config()
    with pytest.raises(ConfigError) as caught:
        ServiceContainer.get_instance().database(tmp_path / "a.db")
    assert str(caught.value).startswith(f"{file}: {message}")


def test_there_are_as_many_connections_as_cores(tmp_path: Path) -> None:
    """Where nothing else is said."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert PooledDatabaseBackend(tmp_path / "a.db").pool_size == cores
    assert PooledDatabaseBackend(tmp_path / "a.db", pool_size=7).pool_size == 7


def test_it_has_no_raw_connection(tmp_path: Path) -> None:
    """`Database.conn` says so, and what to use."""
    from rekall.db import Database

    container = ServiceContainer.get_instance()
    container.register("database", PooledDatabaseBackend)
    database = Database(tmp_path / "a.db")
    database.init()
    with pytest.warns(DeprecationWarning, match="conn"), pytest.raises(NotSupportedError, match="use execute"):
        assert database.conn
    database.close()
    with opened(tmp_path / "b.db") as backend:
        assert not hasattr(backend, "connection")
