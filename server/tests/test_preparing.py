"""What another program has left is read by whoever comes first, and nobody waits there for who waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from server_support.pooled import Held, Running, until

from rekall.infra.interfaces import CallGivenUp
from rekall.models import Entry
from rekall.store.store import Store
from rekall_server.backends.pooled_db import PooledDatabaseBackend


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[PooledDatabaseBackend]:
    backend = PooledDatabaseBackend(tmp_path / "base.db", wait_timeout=3)
    backend.connect()
    yield backend
    backend.close()


@pytest.fixture
def store(backend: PooledDatabaseBackend) -> Store:
    store = Store(backend, backend.path)
    moment = datetime(2026, 1, 1)
    store.entries.add(Entry(id="E1", type="bug", title="entry", created_at=moment, updated_at=moment))
    backend.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")  # which `Held` writes to
    # as when another program has stored a context that only Python can read
    backend.execute("INSERT INTO rekall_context_pending VALUES ('E1')")
    return store


def preparing(store: Store, backend: PooledDatabaseBackend) -> Running:
    """Another thread, that prepares and waits for its turn to write."""
    running = Running(store.session.prepare)
    until(lambda: backend.waiting_writes == 1, "a write that waits")
    return running


def test_who_has_the_turn_to_write_does_not_wait(store: Store, backend: PooledDatabaseBackend) -> None:
    """It prepares while another thread that does so waits for its turn."""
    others: list[Running] = []

    def body() -> None:
        others.append(preparing(store, backend))
        store.session.prepare()
        assert not others[0].has_ended

    backend.together(body)
    others[0].result()
    assert store.session.is_prepared()


def test_who_may_not_wait_does_not(store: Store, backend: PooledDatabaseBackend) -> None:
    """A bounded call is given up while another thread prepares."""
    held = Held(backend)
    other = preparing(store, backend)
    with backend.within(1), pytest.raises(CallGivenUp):
        store.session.prepare()
    assert not other.has_ended
    held.release()
    other.result()
    assert store.session.is_prepared()
