"""Rekall 0.3.0 as a file sees it: its statements, one by one, on a connection of its own.

The schema texts are those that 0.3.0 left in a sample file; what it does for each call is recorded in `schema.json`.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support import databases

NOW = "2025-06-01T12:00:00"


def base_schema(folder: Path) -> list[str]:
    """The CREATE statements of the tables, indexes and triggers that 0.3.0 makes at every open, if they are missing."""
    with sqlite3.connect(databases.unpack("v12.db", folder)) as connection:
        found = connection.execute(
            "SELECT type, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            " AND name NOT LIKE 'entries_fts_%' ORDER BY rowid"
        ).fetchall()
    connection.close()
    statements = []
    for kind, sql in found:
        head = "CREATE VIRTUAL TABLE" if sql.upper().startswith("CREATE VIRTUAL") else f"CREATE {kind.upper()}"
        assert sql.upper().startswith(head)
        statements.append(f"{head} IF NOT EXISTS{sql[len(head) :]}")
    return statements


class Legacy:
    """One open connection of 0.3.0.

    Args:
        path: a base of schema 12.
        schema: what `base_schema` gives.
    """

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        self.connection = sqlite3.connect(path, timeout=5)
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            self.connection.execute(f"PRAGMA {pragma}")
        for statement in schema:
            self.connection.execute(statement)
        self.connection.commit()

    def close(self) -> None:
        self.connection.close()

    def add(self, entry_id: str, title: str, content: str, tags: Sequence[str]) -> None:
        self.connection.execute(
            "INSERT INTO entries(id, title, content, type, confidence, status, created_at, updated_at, memory_type,"
            " last_accessed, access_count, consolidation_score, review_interval, ease_factor)"
            " VALUES (?, ?, ?, 'bug', 2, 'active', ?, ?, 'episodic', ?, 0, 0.0, 1, 2.5)",
            (entry_id, title, content, NOW, NOW, NOW),
        )
        self._tag(entry_id, tags)
        self.connection.commit()

    def update(self, entry_id: str, title: str, content: str, tags: Sequence[str]) -> None:
        self.connection.execute(
            "UPDATE entries SET title = ?, content = ?, type = 'bug', updated_at = ? WHERE id = ?",
            (title, content, NOW, entry_id),
        )
        self.connection.execute("DELETE FROM tags WHERE entry_id = ?", (entry_id,))
        self._tag(entry_id, tags)
        self.connection.commit()

    def delete(self, entry_id: str) -> None:
        self.connection.execute("DELETE FROM entries WHERE id = ?", (entry_id,))
        self.connection.commit()

    def access(self, entry_id: str) -> None:
        self.connection.execute(
            "UPDATE entries SET access_count = access_count + 1, last_accessed = ?, consolidation_score = 0.5"
            " WHERE id = ?",
            (NOW, entry_id),
        )
        self.connection.commit()

    def store_context(self, entry_id: str, text: str) -> None:
        self.connection.execute(
            "UPDATE entries SET context_compressed = ? WHERE id = ?", (zlib.compress(text.encode(), 6), entry_id)
        )
        self.connection.commit()

    def store_structured_context(self, entry_id: str, context: dict[str, Any]) -> None:
        text = json.dumps(context)
        self.connection.execute(
            "UPDATE entries SET context_structured = ?, context_blob = ? WHERE id = ?",
            (text, zlib.compress(text.encode(), 6), entry_id),
        )
        self.connection.execute("DELETE FROM context_keywords WHERE entry_id = ?", (entry_id,))
        for keyword in context["trigger_keywords"]:
            self.connection.execute(
                "INSERT OR IGNORE INTO context_keywords(entry_id, keyword) VALUES (?, ?)", (entry_id, keyword.lower())
            )
        self.connection.commit()

    def search(self, query: str, *, count: bool = False) -> list[str]:
        """The ids of its hits; each is counted by itself when asked for."""
        found = self.connection.execute(
            "SELECT e.id FROM entries_fts AS f JOIN entries AS e ON e.id = f.id"
            " WHERE entries_fts MATCH ? AND e.status = 'active' ORDER BY rank",
            (query,),
        ).fetchall()
        if count:
            for (entry_id,) in found:
                self.access(entry_id)
        return [entry_id for (entry_id,) in found]

    def maintain(self, what: str) -> None:
        """`vacuum`, or `rebuild` or `optimize` of the full-text table."""
        if what == "vacuum":
            self.connection.execute("VACUUM")
        else:
            self.connection.execute("INSERT INTO entries_fts(entries_fts) VALUES (?)", (what,))
        self.connection.commit()

    def _tag(self, entry_id: str, tags: Sequence[str]) -> None:
        for tag in tags:
            self.connection.execute("INSERT INTO tags(entry_id, tag) VALUES (?, ?)", (entry_id, tag))
        self.connection.execute("DELETE FROM entries_fts WHERE id = ?", (entry_id,))
        self.connection.execute(
            "INSERT INTO entries_fts(id, title, content, tags) SELECT id, title, content,"
            " (SELECT group_concat(tag, ' ') FROM tags WHERE entry_id = entries.id) FROM entries WHERE id = ?",
            (entry_id,),
        )
