"""Any history of writes and searches: what is kept changes no answer, however small the base and whatever is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import raw
from support.searchers import Recording, answer, opened, uncached

from rekall.backup import create_backup, restore_backup
from rekall.db import Database
from rekall.models import Embedding, Entry, StructuredContext
from rekall.store import kept_searches

WORDS = ("alpha", "beta", "gamma", "delta")
_OPERATIONS = st.tuples(
    st.sampled_from(
        (
            *("add", "title", "tags", "status", "project", "type", "context", "free", "vector", "link", "delete"),
            *("access", "save", "restore", "rebuild", "raw", "search", "search", "search"),
        )
    ),
    st.integers(0, 3),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
)
_QUERIES = st.tuples(
    st.sampled_from(
        ["alpha", "alpha beta", "alpha NOT beta", "beta gamma delta alpha epsilon", "alph*", '"alpha beta"']
    ),
    st.sampled_from(
        [{}, {"limit": 1}, {"project": "p"}, {"entry_type": "config"}, {"superseded": True}, {"here": "p"}]
    ),
)


@pytest.fixture(autouse=True)
def _everything_is_expensive(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(kept_searches, "EXPENSIVE", 1)
    return iter([None])


def _write(db: Database, operation: str, entry_id: str, text: str) -> None:
    if db.get(entry_id, update_access=False) is None:
        db.add(Entry(entry_id, text, "bug", tags=text.split()))
    if operation == "title":
        db.entries.change(entry_id, {"title": text})
    elif operation == "tags":
        db.entries.change(entry_id, {}, tags=text.split())
    elif operation in ("status", "project", "type"):
        db.entries.change(entry_id, {operation: {"status": "obsolete", "project": "p", "type": "config"}[operation]})
    elif operation == "context":
        db.store_structured_context(entry_id, StructuredContext(f"when {text}", "a solution", text.split()))
    elif operation == "free":
        db.store_context(entry_id, text)
    elif operation == "vector":
        db.add_embedding(Embedding.from_numpy(entry_id, "summary", np.ones(128), "m"))
    elif operation == "link":
        other = f"{entry_id}+"
        if db.get(other, update_access=False) is None:
            db.add(Entry(other, text, "pattern"))
            db.add_link(other, entry_id, "supersedes")
        db.entries.change(entry_id, {"status": "obsolete", "superseded_by": other})
    elif operation == "access":
        db.get(entry_id)
    elif operation == "delete":
        db.delete(entry_id)
    elif operation == "rebuild":
        db.maintenance.rebuild()
    elif operation == "raw":
        raw.write(db.db_path, f"UPDATE entries SET content = '{text}' WHERE id = '{entry_id}'")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_OPERATIONS, max_size=20), st.lists(_QUERIES, min_size=1, max_size=4))
def test_no_answer_differs_from_that_of_a_command(
    tmp_path_factory: pytest.TempPathFactory,
    operations: list[tuple[str, int, str]],
    queries: list[tuple[str, dict[str, Any]]],
) -> None:
    """Two programs that share a cache, one of which counts accesses, and a third without one."""
    folder: Path = tmp_path_factory.mktemp("base")
    cache, saved, was_found = Recording(), folder / "saved.db", False
    with opened(folder / "k.db", cache) as one, opened(folder / "k.db", cache, counting=True) as other:
        other.set_metadata("base", "is prepared")
        for operation, number, text in [*operations, ("search", 0, "alpha")]:
            if operation == "save":
                saved.unlink(missing_ok=True)
                create_backup(one.db_path, saved)
            elif operation == "restore" and saved.exists():
                restore_backup(saved, one.db_path, create_safety_backup=False)
            elif operation == "search":
                for query, form in queries:
                    expected = uncached(one.db_path, query, **form)
                    was_found = was_found or bool(expected["hits"])
                    assert answer(other, query, **form, update_access=True) == expected
                    assert answer(one, query, **form) == answer(other, query, **form) == expected
            elif operation != "restore":
                _write(one, operation, f"E{number}", text)
    assert cache.asked or not was_found
