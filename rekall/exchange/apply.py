"""Doing what a plan says: one batch, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rekall.errors import DatabaseBusyError, DatabaseError, GuardFailed, ImportRefusedError, IntegrityError
from rekall.exchange.dump import TABLES
from rekall.exchange.fields import keywords_of
from rekall.exchange.plan import COMPARED, SOURCE_REFERENCES, OnProgress, Plan, build_plan, check_strategy
from rekall.exchange.records import ENTRIES, Record
from rekall.infra.interfaces import Statement
from rekall.models import generate_ulid
from rekall.store import OpenBase, importing, pending
from rekall.store.context_codec import FORMS, has_context

_ATTEMPTS = 3
_TELL_EVERY = 64
_OWN = frozenset(COMPARED) - {"tags"} | {"created_at", "memory_type"}
"""The columns that a copy of an entry takes; whatever use made of the entry begins anew."""
_IF_MISSING: Mapping[str, Any] = {"content": "", "confidence": 2, "status": "active"}
"""What an entry that replaces another has where its record says nothing; the rest is NULL."""
_EMBEDDED = frozenset(("title", "content", "tags"))
"""What the vector of a summary is made of."""


@dataclass
class ImportReport:
    """What an import did.

    Args:
        added: entries that were not there.
        replaced: entries that were overwritten.
        merged: entries that were added beside the one of the same id.
        identical: entries that were there just so.
        conflicts_left: entries that differ, and were left alone.
        others: by how many rows other tables grew.
        left_out: rows and references without what they name.
        backup: what the base was before, if that was kept.
        moment: what became the time of change of the entries that were replaced or merged.
    """

    added: int = 0
    replaced: int = 0
    merged: int = 0
    identical: int = 0
    conflicts_left: int = 0
    others: dict[str, int] = field(default_factory=dict)
    left_out: int = 0
    backup: Path | None = None
    moment: datetime = field(default_factory=datetime.now)

    @property
    def skipped(self) -> int:
        """Entries that the import left as they are."""
        return self.identical + self.conflicts_left


def apply_plan(
    db: OpenBase,
    plan: Plan,
    strategy: str = "skip",
    *,
    before_replacing: Callable[[], Path | None] | None = None,
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Import what a plan describes, all of it or nothing.

    Where another process changed the base since the plan was made, a new one is made.

    Args:
        strategy: what becomes of an entry that differs: `skip` leaves the one in the base, `replace` overwrites it
            with the imported one, `merge` adds the imported one under a new id.
        before_replacing: called before anything is overwritten; returns the backup that it made. Called again when
            another process changed the base after that.
        on_progress: told how many records were written, and of how many.

    Raises:
        InvalidValueError: unknown strategy.
        ImportRefusedError: it cannot be imported; nothing was written.
        DatabaseError: the base cannot be written, or others keep changing it; nothing was written.
    """
    check_strategy(strategy)
    session = db.store.session
    tables = [table for table in TABLES if plan.others[table]]
    backup = None
    for attempt in range(_ATTEMPTS):
        if strategy == "replace" and plan.conflicts and before_replacing is not None:
            backup = before_replacing()
        before = importing.counts(session, tables) if tables else {}
        statements = _Statements(plan, strategy, on_progress or (lambda done, total: None))
        try:
            session.write(statements)
            break
        except (IntegrityError, GuardFailed) as error:
            now = build_plan(db, plan.incoming, plan.limits)
            if _same(plan, now):
                raise ImportRefusedError(
                    f"{statements.place or plan.incoming.name} cannot be imported, nothing was written: {error}"
                ) from error
            if attempt == _ATTEMPTS - 1:
                raise DatabaseBusyError(
                    "nothing was imported, other programs keep changing what it would change: try again"
                ) from error
            plan = now
        except DatabaseBusyError as error:
            raise DatabaseBusyError(f"nothing was imported: {error}") from error
    with suppress(DatabaseError):  # all is imported: whoever writes next reads the contexts that wait
        pending.fill(session.backend)
    after = importing.counts(session, tables) if tables else {}
    conflicts = len(plan.conflicts)
    return ImportReport(
        added=len(plan.new),
        replaced=conflicts if strategy == "replace" else 0,
        merged=conflicts if strategy == "merge" else 0,
        identical=len(plan.identical),
        conflicts_left=conflicts if strategy == "skip" else 0,
        others={table: max(after[table] - before[table], 0) for table in tables},
        left_out=plan.left_out,
        backup=backup,
        moment=statements.moment,
    )


def _same(one: Plan, other: Plan) -> bool:
    return (
        one.new.keys() == other.new.keys()
        and one.conflicts == other.conflicts
        and (one.absent, one.absent_sources, one.same_source) == (other.absent, other.absent_sources, other.same_source)
    )


class _Statements:
    """The statements of an import, made while they are run, and made again by whoever goes through them again."""

    def __init__(self, plan: Plan, strategy: str, on_progress: OnProgress) -> None:
        self._plan = plan
        self._strategy = strategy
        self._on_progress = on_progress
        self._copies = {entry_id: generate_ulid() for entry_id in plan.conflicts} if strategy == "merge" else {}
        self._replaced = plan.conflicts if strategy == "replace" else {}
        self.moment = datetime.now()
        self.place = ""
        """The record whose statements are run, for messages; empty before the first and after the last."""

    def __iter__(self) -> Iterator[Statement]:
        yield importing.DEFERRED
        for entry_id, difference in self._replaced.items():  # before the vectors that come, which may stand anywhere
            yield importing.without_vectors(entry_id, context_only=_EMBEDDED.isdisjoint(difference.fields))
        plan, done = self._plan, 0
        for done, record in enumerate(plan.incoming.records(), 1):
            if done % _TELL_EVERY == 1:
                self._on_progress(done - 1, plan.records)
            self.place = record.place
            if record.table == ENTRIES:
                yield from self._entry(record)
            else:
                yield from self._row(record)
        self.place = ""
        if done != plan.records:
            raise self._changed()
        self._on_progress(done, done)

    def _changed(self) -> ImportRefusedError:
        return ImportRefusedError(
            f"{self._plan.incoming.name} was changed while it was read, nothing was imported: import it again"
        )

    def _entry(self, record: Record) -> Iterator[Statement]:
        plan, values = self._plan, dict(record.values)
        entry_id, tags = values["id"], values.pop("tags", [])
        keywords = values.pop("keywords", None)
        if keywords is None:
            keywords = keywords_of(values.get("context_structured"))
        successor = values.get("superseded_by")
        if successor is not None:
            values["superseded_by"] = None if successor in plan.absent else self._copies.get(successor, successor)
        if entry_id in plan.new:
            yield from importing.new_entry(values, tags, keywords)
        elif entry_id in self._copies:
            own = {name: value for name, value in values.items() if name in _OWN or name in FORMS}
            copy = {**own, "id": self._copies[entry_id], "updated_at": self.moment.isoformat()}
            yield from importing.new_entry(copy, tags, keywords)
        elif entry_id in self._replaced:
            changes = {name: values.get(name, _IF_MISSING.get(name)) for name in COMPARED if name != "tags"}
            changes["updated_at"] = self.moment.isoformat()
            yield from importing.replaced_entry(entry_id, changes, tags, state=self._replaced[entry_id].state)
            if has_context(values):
                yield from importing.context(entry_id, values, keywords, only_if_none=False)
        elif entry_id in plan.identical:
            if entry_id in plan.without_context:
                yield from importing.context(entry_id, values, keywords, only_if_none=True)
        elif entry_id not in plan.conflicts:
            raise self._changed()

    def _row(self, record: Record) -> Iterator[Statement]:
        plan, table, values = self._plan, record.table, dict(record.values)
        named = [values.get(column) for column in ("source_id", "target_id")] if table == "links" else []
        named += [values.get("entry_id")]
        if any(entry_id in plan.absent for entry_id in named if entry_id is not None):
            return
        if table == "embeddings" and self._is_of_other_text(values):
            return
        if table == "links":
            ends = [self._copies.get(values[column], values[column]) for column in ("source_id", "target_id")]
            if ends != [values["source_id"], values["target_id"]]:
                values["id"] = generate_ulid()
            values["source_id"], values["target_id"] = ends
        elif "entry_id" in values and values["entry_id"] in self._copies:
            values["entry_id"], values["id"] = self._copies[values["entry_id"]], generate_ulid()
        elif table == "suggestions" and self._copies:
            values["entry_ids"] = self._copied_ids(values["entry_ids"])
        if table == "sources" and values["id"] in plan.same_source:
            return
        if not self._with_sources(table, values):
            return
        yield importing.row(table, values)

    def _is_of_other_text(self, values: Mapping[str, Any]) -> bool:
        """Whether a vector was computed from a text that the entry will not have in this base."""
        entry_id, plan = values["entry_id"], self._plan
        if entry_id in plan.identical:
            return bool(values["embedding_type"] == "context")  # it may have a context of its own
        return entry_id in plan.conflicts and self._strategy == "skip"

    def _with_sources(self, table: str, values: dict[str, Any]) -> bool:
        """Name the sources as this base does; False when a row makes no sense without the one it names."""
        column = SOURCE_REFERENCES.get(table)
        named = values.get(column) if column else None
        if column is None or named is None:
            return True
        if named in self._plan.absent_sources:
            values[column] = None
            return table != "source_themes"
        values[column] = self._plan.same_source.get(named, named)
        return True

    def _copied_ids(self, text: str) -> str:
        try:
            ids = json.loads(text)
        except ValueError:
            return text
        if not isinstance(ids, list):
            return text
        copied = [self._copies.get(each, each) if isinstance(each, str) else each for each in ids]
        return text if copied == ids else json.dumps(copied)
