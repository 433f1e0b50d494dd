"""Contexts searched without the base's own index of them: on a file that must not be, or has not yet been, written.

The contexts are read and indexed in a full-text table in memory, by the same tokenizer and query language as the
base's, for one search.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from rekall.infra.interfaces import Row
from rekall.store import pending
from rekall.store.context_codec import searchable
from rekall.store.derived import CONTEXT_COLUMNS
from rekall.store.frequencies import SIZE_SQL, SIZES_SQL, sizes
from rekall.store.query import MAX_TERMS, ParsedQuery
from rekall.store.schema import TOKENIZER
from rekall.store.search_sql import CONTEXT, SOME
from rekall.store.session import Session

_COLUMNS = (*CONTEXT_COLUMNS, "legacy")


class State(NamedTuple):
    """What a base has to search in.

    Args:
        is_indexed: its full-text table of contexts is there.
        size: rows of the full-text table of entries, or more.
        contexts: rows of the table of contexts, or more.
        waiting: contexts that are not in it yet.
    """

    is_indexed: bool
    size: int
    contexts: int
    waiting: list[Row]


def state(session: Session) -> State:
    """Look at a base without preparing it."""
    row = session.fetch_one(
        "SELECT count(*) AS n FROM sqlite_master WHERE name IN ('rekall_context_fts', 'rekall_context_pending')"
    )
    if row is None or row["n"] < 2:
        return State(False, *sizes(session.fetch_one(SIZE_SQL)), [])
    row = session.fetch_one(f"SELECT *, EXISTS (SELECT 1 FROM rekall_context_pending) AS waiting FROM ({SIZES_SQL})")
    return State(True, *sizes(row), pending.waiting(session.backend) if row and row["waiting"] else [])


def all_contexts(session: Session) -> list[Row]:
    """Every context of the base, in its three stored forms."""
    return session.fetch_all(
        "SELECT id, context_structured, context_blob, context_compressed FROM entries"
        " WHERE context_structured IS NOT NULL OR context_blob IS NOT NULL OR context_compressed IS NOT NULL"
    )


def matching(contexts: Sequence[Row], parsed: ParsedQuery) -> dict[str, tuple[int, float, float]]:
    """The contexts that a query finds, by id: kind of the hit, bm25 of the whole query, bm25 of any of its terms."""
    if not contexts or parsed.context is None:
        return {}
    index = sqlite3.connect(":memory:")
    try:
        index.execute(f"CREATE VIRTUAL TABLE contexts USING fts5(id UNINDEXED, {', '.join(_COLUMNS)}, {TOKENIZER})")
        places = ", ".join("?" for _ in range(len(_COLUMNS) + 1))
        for row in contexts:
            texts = searchable(row)
            index.execute(f"INSERT INTO contexts VALUES ({places})", (row["id"], *(texts[name] for name in _COLUMNS)))
        ranked = "SELECT id, rank FROM contexts WHERE contexts MATCH ?"
        whole: dict[str, float] = dict(index.execute(ranked, (parsed.context,)))
        some: dict[str, float] = {}
        if parsed.has_loose_terms:
            some = dict(index.execute(ranked, (" OR ".join(parsed.terms[:MAX_TERMS]),)))
        return {
            entry_id: (CONTEXT if entry_id in whole else SOME, whole.get(entry_id, 0.0), some.get(entry_id, 0.0))
            for entry_id in {**whole, **some}
        }
    finally:
        index.close()
