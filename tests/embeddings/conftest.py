"""A base with a few entries, and the process-wide state of embeddings given back after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rekall import embeddings, model_manager
from rekall.db import Database
from rekall.models import Entry

TITLES = {
    "CORS": "cors error in the browser when calling the login endpoint",
    "RETRY": "retry with back-off after a timeout of the payment service",
    "RETRY2": "retry with jitter after a timeout of the payment service",
    "RETRY3": "retry with a limit after a timeout of the payment service",
    "CACHE": "stale pages because the proxy keeps them in its cache",
}


@pytest.fixture(autouse=True)
def _own_services() -> Iterator[None]:
    yield
    embeddings.reset_embedding_service()
    model_manager.reset_model_manager()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """Five entries, four of them bugs of the project `shop`, none embedded."""
    with Database(tmp_path / "k.db") as opened:
        for entry_id, title in TITLES.items():
            kind = "config" if entry_id == "CACHE" else "bug"
            opened.add(Entry(entry_id, title, kind, project=None if kind == "config" else "shop"))  # type: ignore[arg-type]  # one of the types
        yield opened
