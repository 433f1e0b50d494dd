"""What an import would do: every record is read and checked, and nothing is written or counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rekall.errors import ImportRefusedError, InvalidValueError
from rekall.exchange.fields import entry_of
from rekall.exchange.lengths import check_lengths
from rekall.exchange.limits import Limits
from rekall.exchange.records import ENTRIES, Incoming, Record
from rekall.exchange.shown import plain
from rekall.models import Entry
from rekall.store import OpenBase, importing
from rekall.store.context_codec import has_context, same_context

STRATEGIES = ("skip", "replace", "merge")
COMPARED = ("title", "content", "type", "project", "tags", "confidence", "status", "superseded_by")
"""What makes an entry another one, in the order in which differences are told; the order of tags says nothing."""
CONTEXT = "context"
"""Told after these, of an entry that comes with another context than the one it has."""

OnProgress = Callable[[int, int], None]
TITLES = 100
"""Titles of new entries that a plan keeps."""
_AT_ONCE = 200
_LARGEST = 8 * 1024**2
"""Characters of entries that are compared together; one alone may be longer."""
_REFERENCES = {
    "links": ("source_id", "target_id"),
    "entry_sources": ("entry_id",),
    "embeddings": ("entry_id",),
}
"""Columns that name an entry, without which the row makes no sense."""
SOURCE_REFERENCES = {"source_themes": "source_id", "entry_sources": "source_id", "sources_staging": "promoted_to"}
"""The column that names a source, by table."""


class Difference(NamedTuple):
    """An entry that is in the base as well, but not the same.

    Args:
        entry_id: its id in both.
        title: as the base has it, shortened.
        fields: what differs, of `COMPARED` and `CONTEXT`.
        state: the state of the one in the base, as `importing.states` gives it.
    """

    entry_id: str
    title: str
    fields: tuple[str, ...]
    state: str


@dataclass
class Plan:
    """What an import of one thing into one base would do.

    Args:
        incoming: what would be imported.
        limits: what it was checked against.
        new: the ids of entries that the base does not have, with their titles for the first ones.
        identical: the ids of entries that the base has just so.
        conflicts: the entries that differ.
        without_context: ids of entries that come with a context and have none.
        others: how many rows there are of other tables.
        absent: ids of entries that are named, and neither here nor there.
        absent_sources: the same of sources.
        same_source: the id of a source to that of the one in the base which stands for the same pages.
        left_out: how many rows or references are left out, since what they name is absent.
    """

    incoming: Incoming
    limits: Limits
    new: dict[str, str] = field(default_factory=dict)
    identical: set[str] = field(default_factory=set)
    conflicts: dict[str, Difference] = field(default_factory=dict)
    without_context: set[str] = field(default_factory=set)
    others: Counter[str] = field(default_factory=Counter)
    absent: set[str] = field(default_factory=set)
    absent_sources: set[str] = field(default_factory=set)
    same_source: dict[str, str] = field(default_factory=dict)
    left_out: int = 0

    @property
    def total(self) -> int:
        """The number of entries."""
        return len(self.new) + len(self.identical) + len(self.conflicts)

    @property
    def records(self) -> int:
        """The number of records of every kind."""
        return self.total + self.others.total()


def check_strategy(strategy: str) -> str:
    """The strategy, if it is one.

    Raises:
        InvalidValueError: it is not.
    """
    if strategy not in STRATEGIES:
        raise InvalidValueError(f"unknown strategy '{plain(strategy)}': use one of {', '.join(STRATEGIES)}")
    return strategy


def changed_fields(local: Entry, imported: Entry) -> tuple[str, ...]:
    """What differs between two states of an entry, of `COMPARED`."""
    return tuple(name for name in COMPARED if _comparable(local, name) != _comparable(imported, name))


def build_plan(
    db: OpenBase, incoming: Incoming, limits: Limits | None = None, on_progress: OnProgress | None = None
) -> Plan:
    """Read all of it, and compare it with the base.

    Args:
        on_progress: told how many records were read, and of how many; 0 while that is not known.

    Raises:
        ImportRefusedError: it cannot be imported.
    """
    return _Planner(db, Plan(incoming, limits or Limits()), on_progress or (lambda done, total: None)).run()


class _Planner:
    def __init__(self, db: OpenBase, plan: Plan, on_progress: OnProgress) -> None:
        self._store = db.store
        self._plan = plan
        self._on_progress = on_progress
        self._seen: set[str] = set()
        self._named: Counter[str] = Counter()
        self._successors: dict[str, str] = {}  # those that the base would take for the first time
        self._sources: dict[str, tuple[str, str | None]] = {}
        self._named_sources: Counter[str] = Counter()

    def run(self) -> Plan:
        plan = self._plan
        for batch in _batches(self._read(), _length):
            self._compare(batch)
        outside = [entry_id for entry_id in self._named if entry_id not in self._seen]
        plan.absent = set(outside) - self._present("entries", outside)
        self._settle_sources()
        for entry_id, successor in self._successors.items():
            if successor in plan.absent:  # it comes in as none, which is what the base has
                self._without_successor(plan.conflicts[entry_id])
        plan.left_out = sum(self._named[entry_id] for entry_id in plan.absent)
        plan.left_out += sum(self._named_sources[source_id] for source_id in plan.absent_sources)
        return plan

    def _without_successor(self, difference: Difference) -> None:
        fields = tuple(name for name in difference.fields if name != "superseded_by")
        if fields:
            self._plan.conflicts[difference.entry_id] = difference._replace(fields=fields)
        else:
            del self._plan.conflicts[difference.entry_id]
            self._plan.identical.add(difference.entry_id)

    def _read(self) -> Iterator[Record]:
        """The entries; everything else is looked at on the way."""
        plan, limits = self._plan, self._plan.limits
        total, number = plan.incoming.total, 0
        for number, record in enumerate(plan.incoming.records(), 1):
            limits.check("records", number, plan.incoming.name)
            check_lengths(record, limits)
            if number % _AT_ONCE == 0:
                self._on_progress(number, total and max(total, number + 1))
            if record.table == ENTRIES:
                self._meet(record)
                yield record
            else:
                self._meet_row(record)
        self._on_progress(number, number)

    def _meet(self, record: Record) -> None:
        entry_id = record.values["id"]
        if entry_id in self._seen:
            raise ImportRefusedError(f"{record.place}: the id {plain(entry_id)} stands there twice: it is damaged")
        self._seen.add(entry_id)
        self._plan.limits.check("entries", len(self._seen), self._plan.incoming.name)
        successor = record.values.get("superseded_by")
        if successor is not None:
            self._named[successor] += 1

    def _meet_row(self, record: Record) -> None:
        table, values = record.table, record.values
        self._plan.others[table] += 1
        for column in _REFERENCES.get(table, ()):
            self._named[values[column]] += 1
        if table == "sources":
            self._sources[values["id"]] = (values["domain"], values.get("url_pattern"))
        source = values.get(SOURCE_REFERENCES.get(table, ""))
        if source is not None:
            self._named_sources[source] += 1

    def _compare(self, batch: list[Record]) -> None:
        plan = self._plan
        ids = [record.values["id"] for record in batch]
        states = importing.states(self._store.session, ids)  # before the rest, so that a later change is noticed
        local = self._store.entries.get_many(ids)
        other_context = self._with_another_context([record for record in batch if record.values["id"] in local])
        for record in batch:
            entry = entry_of(record.values)
            found = local.get(entry.id)
            if found is None:
                plan.new[entry.id] = plain(entry.title) if len(plan.new) < TITLES else ""
            elif fields := (*changed_fields(found, entry), *([CONTEXT] if entry.id in other_context else [])):
                plan.conflicts[entry.id] = Difference(entry.id, plain(found.title), fields, states.get(entry.id, ""))
                if entry.superseded_by is not None and found.superseded_by is None:
                    self._successors[entry.id] = entry.superseded_by
            else:
                plan.identical.add(entry.id)

    def _with_another_context(self, batch: list[Record]) -> set[str]:
        """The ids of entries that come with a context, and have another one."""
        coming = {record.values["id"]: record.values for record in batch if has_context(record.values)}
        here = importing.contexts(self._store.session, list(coming)) if coming else {}
        self._plan.without_context |= coming.keys() - here.keys()
        return {entry_id for entry_id, row in here.items() if not same_context(row, coming[entry_id])}

    def _settle_sources(self) -> None:
        plan = self._plan
        if not (self._sources or self._named_sources):
            return
        wanted = list({*self._sources, *self._named_sources})
        known = self._present("sources", wanted)
        plan.absent_sources = {each for each in self._named_sources if each not in self._sources} - known
        by_address = importing.sources_by_address(self._store.session) if self._sources else {}
        for source_id, address in self._sources.items():
            same = by_address.get(address)
            if source_id not in known and same is not None:
                plan.same_source[source_id] = same

    def _present(self, table: str, ids: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for batch in _batches(ids, len):
            found |= importing.present(self._store.session, table, batch)
        return found


def _batches(items: Iterable[Any], length: Callable[[Any], int]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    left = _LARGEST
    for item in items:
        batch.append(item)
        left -= length(item)
        if len(batch) == _AT_ONCE or left < 0:
            yield batch
            batch, left = [], _LARGEST
    if batch:
        yield batch


def _length(record: Record) -> int:
    return sum(len(value) for value in record.values.values() if isinstance(value, (str, bytes)))


def _comparable(entry: Entry, name: str) -> Any:
    value = getattr(entry, name)
    return frozenset(value) if name == "tags" else value
