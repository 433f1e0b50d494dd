"""Contexts searched without the base's own index of them: on a file that must not be, or has not yet been, written.

The contexts are read and indexed in a full-text table in memory, by the same tokenizer and query language as the
base's, for one search.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from rekall.infra.interfaces import Row
from rekall.store import pending
from rekall.store.context_codec import searchable
from rekall.store.derived import CONTEXT_COLUMNS
from rekall.store.query import ParsedQuery
from rekall.store.schema import TOKENIZER
from rekall.store.session import Session

CONTEXT, SOME = 1, 2
"""Tiers of a search: the context satisfies the query, or only some of its words were found; 0 is the entry itself."""

_COLUMNS = (*CONTEXT_COLUMNS, "legacy")


def unindexed_contexts(session: Session) -> list[Row] | None:
    """The contexts that the base's index does not hold: a few that wait to be read, or None when it has no index."""
    row = session.fetch_one(
        "SELECT count(*) AS n FROM sqlite_master WHERE name IN ('rekall_context_fts', 'rekall_context_pending')"
    )
    return pending.waiting(session.backend) if row is not None and row["n"] == 2 else None


def all_contexts(session: Session) -> list[Row]:
    """Every context of the base, in its three stored forms."""
    return session.fetch_all(
        "SELECT id, context_structured, context_blob, context_compressed FROM entries"
        " WHERE context_structured IS NOT NULL OR context_blob IS NOT NULL OR context_compressed IS NOT NULL"
    )


def matching(contexts: Sequence[Row], parsed: ParsedQuery) -> dict[str, tuple[int, float]]:
    """The contexts that a query finds: id to (tier, rank)."""
    if not contexts or parsed.context is None:
        return {}
    index = sqlite3.connect(":memory:")
    try:
        index.execute(f"CREATE VIRTUAL TABLE contexts USING fts5(id UNINDEXED, {', '.join(_COLUMNS)}, {TOKENIZER})")
        places = ", ".join("?" for _ in range(len(_COLUMNS) + 1))
        for row in contexts:
            texts = searchable(row)
            index.execute(f"INSERT INTO contexts VALUES ({places})", (row["id"], *(texts[name] for name in _COLUMNS)))
        found: dict[str, tuple[int, float]] = {}
        for tier, expression in ((CONTEXT, parsed.context), (SOME, parsed.any_word)):
            if expression is not None:
                for entry_id, rank in index.execute(
                    "SELECT id, rank FROM contexts WHERE contexts MATCH ?", (expression,)
                ):
                    found.setdefault(entry_id, (tier, rank))
        return found
    finally:
        index.close()
