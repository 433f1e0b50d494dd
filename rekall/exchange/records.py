"""Records: the rows that an export writes and an import reads, whatever the form they travel in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

ENTRIES = "entries"


class Record(NamedTuple):
    """One row on its way from one base to another.

    Args:
        table: a table of the schema (`rekall.store.schema.TABLES`), but for `tags` and `context_keywords`, which
            travel with their entry.
        values: column to value, as the file of a base holds it: times local without a zone, or UTC where the schema
            says so. A column that is left out takes its default. An entry has two more: `tags` and `keywords`, each a
            list of texts; without `keywords` they are taken from its structured context. Without `context_blob` it is
            made from `context_structured`.
        place: where it stands, as a few words for a message: `entries.json, entry 12`.
    """

    table: str
    values: dict[str, Any]
    place: str


class Incoming(Protocol):
    """Something that can be imported. It is read several times, and has to give the same records each time."""

    @property
    def name(self) -> str:
        """What it is, for a person: the file, or `stdin`."""

    @property
    def total(self) -> int:
        """About how many records it holds, for a progress bar; 0 when that is not known."""

    def records(self) -> Iterator[Record]:
        """The records, in any order.

        Raises:
            ImportRefusedError: it is damaged, of another form, or beyond a limit.
        """

    def close(self) -> None:
        """Give back what it holds open; a second call does nothing."""
