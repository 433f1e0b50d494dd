"""The records of a base, to be written in any form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rekall.exchange.records import ENTRIES, Record
from rekall.store import OpenBase, dump
from rekall.store.dump import Reader

HANGING = ("links", "entry_sources")
"""Tables whose rows belong to entries, beside the embeddings and what travels with its entry."""
OTHERS = (
    *("sources", "source_themes", *HANGING, "suggestions", "sources_inbox", "sources_staging", "saved_filters"),
    *("known_domains", "connector_imports", "metadata"),
)
"""The tables of an export beside the entries, each after those that it refers to."""
TABLES = (*OTHERS, "embeddings")
"""Those that may come with an export."""

OnProgress = Callable[[int, int], None]
_TELL_EVERY = 64
_GIVEN = "known_domains"


@dataclass(frozen=True)
class Selection:
    """What an export takes.

    Args:
        entry_type: entries of this type alone, with what belongs to them.
        project: entries of this project alone, likewise.
        embeddings: the vectors too, which can be computed anew.
    """

    entry_type: str | None = None
    project: str | None = None
    embeddings: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether nothing is filtered out."""
        return not (self.entry_type or self.project)


class Dump:
    """The records of a base at one moment; they can be gone through several times.

    Args:
        reader: a snapshot of the base.
        selection: what to take.
        on_progress: told how many records were given, and of how many.
    """

    def __init__(self, reader: Reader, selection: Selection, on_progress: OnProgress | None = None) -> None:
        self._reader = reader
        self._selection = selection
        self._on_progress = on_progress or (lambda done, total: None)
        self._given = 0
        self.ids = dump.entry_ids(reader, selection.entry_type, selection.project)
        self.tables = (*OTHERS, *(("embeddings",) if selection.embeddings else ()))
        if not selection.is_whole:
            self.tables = tuple(table for table in self.tables if table in _OF_ENTRIES)
        self.total = len(self.ids) + sum(dump.count(reader, table) for table in self.tables)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but what every base is made with; of a part, whether no entry is in it."""
        others = (table for table in self.tables if table != _GIVEN) if self._selection.is_whole else ()
        return not self.ids and not any(dump.count(self._reader, table) for table in others)

    def records(self) -> Iterator[Record]:
        """The entries, newest first, then the rows of the other tables, each after those that it refers to."""
        yield from self.entries()
        yield from self.rows()

    def entries(self) -> Iterator[Record]:
        """The entries alone."""
        for row in dump.entry_rows(self._reader, self.ids):
            self._tell()
            yield Record(ENTRIES, row, f"entry {row['id']}")

    def rows(self) -> Iterator[Record]:
        """The rows of the other tables that belong to what is taken."""
        for table in self.tables:
            wanted = self._wanted(table)
            for row in dump.table_rows(self._reader, table):
                self._tell()
                if wanted(row):
                    yield Record(table, row, f"{table} {next(iter(row.values()))}")

    def _tell(self) -> None:
        """Tell of one more; entries and rows may come by turns."""
        self._given += 1
        if self._given % _TELL_EVERY == 0:
            self._on_progress(min(self._given, self.total), self.total)

    def _wanted(self, table: str) -> Callable[[dict[str, Any]], bool]:
        if self._selection.is_whole:
            return lambda row: True
        entries = set(self.ids)
        if table == "links":
            return lambda row: row["source_id"] in entries and row["target_id"] in entries
        if table in ("entry_sources", "embeddings"):
            return lambda row: row["entry_id"] in entries
        sources = {
            row["source_id"] for row in dump.table_rows(self._reader, "entry_sources") if row["entry_id"] in entries
        }
        column = "id" if table == "sources" else "source_id"
        return lambda row: row[column] in sources


_OF_ENTRIES = ("sources", "source_themes", *HANGING, "embeddings")


@contextmanager
def dumped(db: OpenBase, selection: Selection | None = None, on_progress: OnProgress | None = None) -> Iterator[Dump]:
    """The records of a base as it is now, whatever others write meanwhile.

    Raises:
        CannotOpenError: no copy can be made to read from.
    """
    session = db.store.session
    with dump.snapshot(session.backend, session.path) as reader:
        yield Dump(reader, selection or Selection(), on_progress)
