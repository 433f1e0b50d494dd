"""Entries and their tags."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from rekall.errors import AmbiguousIdError, EntryNotFoundError, GuardFailed, InvalidValueError
from rekall.infra.interfaces import Statement, Value
from rekall.models import Entry, Link, StructuredContext
from rekall.store.access import accesses
from rekall.store.context_codec import (
    compress_context,
    index_statement,
    keyword_statements,
    pair_statements,
    structured_values,
)
from rekall.store.ids import CANDIDATES, beginning_with
from rekall.store.linking import link_statement
from rekall.store.rows import ENTRY_COLUMNS, ENTRY_SELECT, entry_from_row, entry_values, local_time
from rekall.store.session import Session

_SELECT = f"SELECT {ENTRY_SELECT} FROM entries"


class Entries:
    """Adds, reads, changes and removes entries; each write is one batch."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        entry: Entry,
        *,
        context: StructuredContext | None = None,
        context_text: str | None = None,
        links: Sequence[Link] = (),
    ) -> None:
        """Store a new entry with its tags, and its context and links when given, all or nothing.

        `last_accessed` takes `created_at` when it is empty, on the object too.

        Args:
            entry: a tag given twice is stored once.
            context: its structured context.
            context_text: its context as free text.
            links: from this entry to others.

        Raises:
            IntegrityError: the id exists, `superseded_by` names no entry, or a link is there twice.
            EntryNotFoundError: a link leads to an entry that is not there.
        """
        entry.created_at = local_time(entry.created_at)
        entry.updated_at = local_time(entry.updated_at)
        entry.last_accessed = entry.created_at if entry.last_accessed is None else local_time(entry.last_accessed)
        insertion = list(self._insertion(entry, context, context_text))
        try:
            self._session.write([*insertion, *map(link_statement, links)])
        except GuardFailed as error:
            raise EntryNotFoundError(links[error.index - len(insertion)].target_id) from error

    def get(self, entry_id: str, update_access: bool = True) -> Entry | None:
        """The entry of a full id, as it was before this access is counted; None if there is none."""
        row = self._session.fetch_one(f"{_SELECT} WHERE id = ?", (entry_id,))
        if row is None:
            return None
        entry = entry_from_row(row)
        if update_access:
            self._session.count(accesses([entry], datetime.now()))
        return entry

    def get_many(self, entry_ids: Sequence[str]) -> dict[str, Entry]:
        """The entries of many full ids, by id, without counting; unknown ids are absent."""
        rows = self._session.fetch_all(
            f"{_SELECT} WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(entry_ids)),)
        )
        return {row["id"]: entry_from_row(row) for row in rows}

    def count_accesses(self, entries: Sequence[Entry]) -> None:
        """Count one access of each entry; a base that cannot be written keeps its counts."""
        if entries:
            self._session.count(accesses(entries, datetime.now()))

    def update(self, entry: Entry) -> None:
        """Write an entry anew; `updated_at` becomes now, on the object too. An unknown id without tags does nothing.

        Raises:
            IntegrityError: `superseded_by` names no entry, or the id is unknown and there are tags.
        """
        entry.updated_at = datetime.now()
        values = entry_values(entry)
        del values["created_at"]
        assignments = ", ".join(f"{column} = :{column}" for column in values if column != "id")
        # tags first: the trigger on the title indexes them in the same rewrite
        statements = [
            Statement("DELETE FROM tags WHERE entry_id = ?", (entry.id,)),
            *_tag_statements(entry.id, entry.tags),
            Statement(f"UPDATE entries SET {assignments} WHERE id = :id", values),
        ]
        self._session.write(statements)

    def change(self, entry_id: str, changes: Mapping[str, Value], *, tags: Sequence[str] | None = None) -> None:
        """Write some columns of an entry, and its tags when given; everything else stays as it is in the file.

        Unlike `update` it cannot undo what another process wrote since the entry was read.

        Args:
            entry_id: a full id.
            changes: column of `entries` to its new value.
            tags: the new tags; None leaves them.

        Raises:
            EntryNotFoundError: no such entry; nothing was changed.
            IntegrityError: `superseded_by` names no entry.
        """
        unknown = set(changes) - set(ENTRY_COLUMNS) | set(changes) & {"id", "created_at", "updated_at"}
        if unknown:
            raise InvalidValueError(f"cannot change {', '.join(sorted(unknown))} of an entry")
        # the title stands in the statement even when it stays: its trigger indexes the new tags
        assignments = ", ".join(["updated_at = :updated_at", "title = coalesce(:title, title)"])
        assignments += "".join(f", {column} = :{column}" for column in changes if column != "title")
        values = {"title": None, **changes, "updated_at": datetime.now().isoformat(), "id": entry_id}
        statements = []
        if tags is not None:
            statements = [
                Statement("DELETE FROM tags WHERE entry_id = ?", (entry_id,)),
                *_tag_statements(entry_id, tags),
            ]
        statements.append(Statement(f"UPDATE entries SET {assignments} WHERE id = :id", values, expect=1))
        try:
            self._session.write([Statement("PRAGMA defer_foreign_keys = ON"), *statements])
        except GuardFailed as error:
            raise EntryNotFoundError(entry_id) from error

    def delete(self, entry_id: str) -> None:
        """Remove an entry with all that hangs on it; entries that it superseded no longer name it."""
        self._session.write(
            [
                Statement("UPDATE entries SET superseded_by = NULL WHERE superseded_by = ?", (entry_id,)),
                Statement("DELETE FROM entries WHERE id = ?", (entry_id,)),
            ]
        )

    def list_all(
        self,
        entry_type: str | None = None,
        project: str | None = None,
        memory_type: str | None = None,
        include_obsolete: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Entry]:
        """Entries, newest first, in the order of their storing where times are equal.

        An empty or absent filter lets all pass, a negative limit too.
        """
        conditions, params = filter_sql(entry_type, project, memory_type, include_obsolete)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._session.fetch_all(
            f"{_SELECT} {where} ORDER BY entries.created_at DESC, entries.rowid LIMIT :limit OFFSET :offset",
            {**params, "limit": limit, "offset": offset},
        )
        return [entry_from_row(row) for row in rows]

    def resolve(self, prefix: str) -> str:
        """The full id that `prefix` stands for: the id itself, or the one id that begins with it, in any case.

        Raises:
            EntryNotFoundError: none.
            AmbiguousIdError: several; five are named.
        """
        rows = beginning_with(self._session, "SELECT id, title FROM entries", prefix)
        if len(rows) == 1:
            return str(rows[0]["id"])
        if rows:
            raise AmbiguousIdError(prefix, [(row["id"], row["title"]) for row in rows[:CANDIDATES]])
        if not prefix.strip():
            raise EntryNotFoundError(prefix, "no entry has an empty id; 'rekall search' or 'rekall browse' lists ids")
        raise EntryNotFoundError(prefix)

    def count_by(self, column: str) -> dict[str | None, int]:
        """How many active entries there are for each value of `type`, `project` or `memory_type`, most first."""
        rows = self._session.fetch_all(
            f"SELECT {column} AS value, count(*) AS n FROM entries WHERE status = 'active'"
            " GROUP BY value ORDER BY n DESC, value"
        )
        return {row["value"]: row["n"] for row in rows}

    def count(self, *, include_obsolete: bool = False) -> int:
        """The number of entries."""
        where = "" if include_obsolete else "WHERE status = 'active'"
        row = self._session.fetch_one(f"SELECT count(*) AS n FROM entries {where}")
        return 0 if row is None else int(row["n"])

    def _insertion(self, entry: Entry, context: StructuredContext | None, text: str | None) -> Iterator[Statement]:
        values = entry_values(entry)
        # with the context there at once, the triggers stamp the entry once
        if context is not None:
            values |= structured_values(context)
        if text is not None:
            values["context_compressed"] = compress_context(text)
        columns, places = ", ".join(values), ", ".join(f":{column}" for column in values)
        # with the tags there first, the insert trigger indexes them at once; the reference is checked at the end
        if entry.tags:
            yield Statement("PRAGMA defer_foreign_keys = ON")
            yield from _tag_statements(entry.id, entry.tags)
        if context is not None or text is not None:
            yield index_statement(entry.id, context, text)
        yield Statement(f"INSERT INTO entries({columns}) VALUES ({places})", values)
        if context is not None:
            yield from keyword_statements(entry.id, context)


def filter_sql(
    entry_type: str | None, project: str | None, memory_type: str | None, include_obsolete: bool
) -> tuple[list[str], dict[str, Value]]:
    """SQL conditions on `entries` and their named parameters; an empty text is no filter."""
    # the plus keeps SQLite from the index on status, which nearly every entry shares
    conditions = [] if include_obsolete else ["+entries.status = 'active'"]
    wanted = {"type": entry_type, "project": project, "memory_type": memory_type}
    params: dict[str, Value] = {column: value for column, value in wanted.items() if value}
    return conditions + [f"entries.{column} = :{column}" for column in params], params


def _tag_statements(entry_id: str, tags: Iterable[str]) -> Iterator[Statement]:
    return pair_statements("INSERT INTO tags(entry_id, tag)", entry_id, tags)
