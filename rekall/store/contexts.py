"""The context of an entry: structured, with its keywords, and as free text."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rekall.errors import GuardFailed, IntegrityError
from rekall.infra.interfaces import Statement
from rekall.models import Entry, StructuredContext
from rekall.store import pending
from rekall.store.context_codec import (
    compress_context,
    compression_statements,
    read_structured,
    read_text,
    structured_statements,
)
from rekall.store.entries import filter_sql
from rekall.store.rows import ENTRY_SELECT, entry_from_row
from rekall.store.session import Session


class Contexts:
    """Stores and reads contexts. Writing one changes neither `updated_at` nor the access count."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def store_context(self, entry_id: str, context: str) -> None:
        """Store a free text; an unknown id does nothing."""
        packed = compress_context(context)
        self._session.write(
            [
                _outdated_vector("context_compressed", entry_id, packed),
                Statement("UPDATE entries SET context_compressed = ? WHERE id = ?", (packed, entry_id)),
            ]
        )
        pending.fill(self._session.backend)

    def get_context(self, entry_id: str) -> str | None:
        """The free text of an entry, None when there is none or it cannot be read."""
        return self.get_contexts_for_verification([entry_id]).get(entry_id)

    def store_structured_context(self, entry_id: str, context: StructuredContext) -> None:
        """Store a structured context in place of the one before, with its keywords.

        Raises:
            IntegrityError: no entry has this id.
        """
        try:
            outdated = _outdated_vector("context_structured", entry_id, context.to_json())
            self._session.write([outdated, *structured_statements(entry_id, context, expect=1)])
        except GuardFailed as error:
            raise IntegrityError(f"no entry has the id {entry_id}: the context was not stored") from error
        pending.fill(self._session.backend)

    def get_structured_context(self, entry_id: str) -> StructuredContext | None:
        """The structured context of an entry, None when there is none."""
        return self.get_structured_contexts([entry_id]).get(entry_id)

    def get_structured_contexts(self, entry_ids: list[str]) -> dict[str, StructuredContext]:
        """The structured contexts of many entries by id; entries without a readable one are absent."""
        rows = self._session.fetch_all(
            "SELECT id, context_blob, context_structured FROM entries WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(entry_ids),),
        )
        contexts = {row["id"]: read_structured(row) for row in rows}
        return {entry_id: context for entry_id, context in contexts.items() if context is not None}

    def get_contexts_for_verification(self, entry_ids: list[str]) -> dict[str, str | None]:
        """The free texts of many entries by id; unknown ids are absent."""
        rows = self._session.fetch_all(
            "SELECT id, context_compressed FROM entries WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(entry_ids),),
        )
        return {row["id"]: read_text(row["context_compressed"]) for row in rows}

    def get_context_sizes(self, entry_ids: list[str]) -> dict[str, int]:
        """The compressed bytes of the free text of many entries by id, 0 when there is none; unknown ids are absent."""
        rows = self._session.fetch_all(
            "SELECT id, coalesce(length(context_compressed), 0) AS size FROM entries"
            " WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(entry_ids),),
        )
        return {row["id"]: row["size"] for row in rows}

    def get_entries_with_structured_context(self, limit: int = 100) -> list[tuple[Entry, StructuredContext]]:
        """Entries that have a readable structured context, with it, last updated first, obsolete ones included."""
        rows = self._session.fetch_all(
            f"SELECT {ENTRY_SELECT}, context_blob, context_structured FROM entries"
            " WHERE context_blob IS NOT NULL OR context_structured IS NOT NULL ORDER BY updated_at DESC LIMIT ?",
            (limit,),
        )
        return [(entry_from_row(row), context) for row in rows if (context := read_structured(row)) is not None]

    def ids_with_structured_context(self, entry_type: str | None = None) -> list[str]:
        """The ids of all entries that have a structured context, last updated first, obsolete ones included.

        Args:
            entry_type: of this type alone; an empty text is no filter.
        """
        conditions, params = filter_sql(entry_type, None, None, include_obsolete=True)
        rows = self._session.fetch_all(
            "SELECT id FROM entries WHERE"
            f" {' AND '.join(['(context_blob IS NOT NULL OR context_structured IS NOT NULL)', *conditions])}"
            " ORDER BY updated_at DESC, rowid",
            params,
        )
        return [row["id"] for row in rows]

    def search_by_keywords(self, keywords: list[str], limit: int = 20) -> list[Entry]:
        """Entries with any of the keywords exactly (trimmed, lower case), last updated first, obsolete included."""
        wanted = [word for word in (raw.strip().lower() for raw in keywords) if word]
        if not wanted:
            return []
        rows = self._session.fetch_all(
            f"SELECT {ENTRY_SELECT} FROM entries WHERE id IN (SELECT entry_id FROM context_keywords"
            " WHERE keyword IN (SELECT value FROM json_each(?))) ORDER BY updated_at DESC LIMIT ?",
            (json.dumps(wanted), limit),
        )
        return [entry_from_row(row) for row in rows]

    def with_keywords_like(
        self,
        words: Sequence[str],
        entry_type: str | None = None,
        project: str | None = None,
        memory_type: str | None = None,
        include_obsolete: bool = False,
        limit: int = 500,
    ) -> list[tuple[Entry, list[str]]]:
        """Entries one of whose keywords contains one of the words or is contained in one, with all their keywords.

        Args:
            words: in lower case.
            entry_type: only this type, exactly; an empty text is no filter. Likewise project and memory_type.
            include_obsolete: obsolete entries too.
            limit: entries at most, last updated first; a negative number is no limit.
        """
        conditions, params = filter_sql(entry_type, project, memory_type, include_obsolete)
        rows = self._session.fetch_all(
            "WITH known AS (SELECT DISTINCT keyword FROM context_keywords),"
            " alike AS (SELECT DISTINCT keyword FROM known CROSS JOIN json_each(:words) AS word"
            " WHERE instr(keyword, word.value) OR instr(word.value, keyword))"
            f" SELECT {ENTRY_SELECT}, (SELECT json_group_array(keyword) FROM"
            " (SELECT keyword FROM context_keywords WHERE entry_id = entries.id ORDER BY keyword)) AS keywords"
            " FROM entries WHERE id IN"
            " (SELECT entry_id FROM context_keywords WHERE keyword IN (SELECT keyword FROM alike))"
            f" {''.join(f'AND {condition} ' for condition in conditions)}ORDER BY updated_at DESC, rowid LIMIT :limit",
            {**params, "words": json.dumps([word for word in words if word]), "limit": limit},
        )
        return [(entry_from_row(row), json.loads(row["keywords"])) for row in rows]

    def keywords_of(self, entry_ids: Sequence[str]) -> dict[str, list[str]]:
        """The keywords of the contexts of entries, by id; entries without any are absent."""
        rows = self._session.fetch_all(
            "SELECT entry_id, keyword FROM context_keywords WHERE entry_id IN (SELECT value FROM json_each(?))"
            " ORDER BY entry_id, keyword",
            (json.dumps(list(entry_ids)),),
        )
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["entry_id"], []).append(row["keyword"])
        return found

    def count_entries_without_context_blob(self) -> int:
        """How many entries have a plain JSON context and no compressed form of it."""
        row = self._session.fetch_one(
            "SELECT count(*) AS n FROM entries WHERE context_structured IS NOT NULL AND context_blob IS NULL"
        )
        return 0 if row is None else int(row["n"])

    def migrate_to_compressed_context(self) -> tuple[int, int]:
        """Give plain JSON contexts their compressed form and keywords; an older free text becomes the excerpt.

        Returns:
            (entries converted, keywords looked at); rows that cannot be read are skipped.
        """
        statements = list(compression_statements(self._session.backend, excerpts=True))
        entries = sum(statement.expect is not None for statement in statements)
        self._session.write(statements)
        pending.fill(self._session.backend)
        return entries, len(statements) - entries


def _outdated_vector(column: str, entry_id: str, new: str | bytes) -> Statement:
    """Removes the vector of a context that is about to be replaced by another: it would be found by what it was."""
    return Statement(
        "DELETE FROM embeddings WHERE entry_id = ? AND embedding_type = 'context'"
        f" AND EXISTS (SELECT 1 FROM entries WHERE id = ? AND {column} <> ?)",
        (entry_id, entry_id, new),
    )
