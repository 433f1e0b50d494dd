"""Importing entries as programs written for Rekall 0.3 do it; what compares and writes is in `rekall.exchange`.

A list of entries has no links, contexts or sources: what `rekall export` wrote is imported whole by `rekall.exchange`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rekall.deprecation import moved_names
from rekall.errors import ImportRefusedError, RekallError
from rekall.exchange import plan as planning
from rekall.exchange.apply import ImportReport, apply_plan
from rekall.exchange.fields import checked_entry
from rekall.exchange.limits import LIMIT_NAMES, Limits
from rekall.exchange.records import ENTRIES, Record
from rekall.exchange.safety import back_up_before_import
from rekall.exchange.shown import plain
from rekall.models import Entry, generate_ulid
from rekall.store import OpenBase
from rekall.store.external import external_entries
from rekall.store.rows import entry_values

__all__ = [
    "Conflict",
    "Entry",
    "ImportExecutor",
    "ImportPlan",
    "ImportResult",
    "ImportStrategy",
    "build_import_plan",
    "detect_conflict",
    "generate_ulid",
    "load_entries_from_external_db",
]

moved_names(__name__)

ImportStrategy = Literal["skip", "replace", "merge", "interactive"]

_NO_LIMITS = Limits(**dict.fromkeys(LIMIT_NAMES, sys.maxsize))
"""Entries that are in memory already do no harm."""
_AT_ONCE = 200
_ID_SHOWN = 12


@dataclass
class Conflict:
    """An entry that is in the base as well, but not the same.

    Args:
        entry_id: its id in both.
        local: as the base has it.
        imported: as it would come.
        fields_changed: what differs, of title, content, type, project, tags, confidence, status, superseded_by.
    """

    entry_id: str
    local: Entry
    imported: Entry
    fields_changed: list[str]

    @property
    def summary(self) -> str:
        """What differs, as a phrase."""
        return f"{len(self.fields_changed)} field(s) changed: {', '.join(self.fields_changed)}"


@dataclass
class ImportPlan:
    """What an import would do.

    Args:
        new_entries: entries that the base does not have.
        conflicts: entries that differ.
        identical: ids of entries that the base has just so.
    """

    new_entries: list[Entry] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    identical: list[str] = field(default_factory=list)

    @property
    def has_conflicts(self) -> bool:
        """Whether an entry differs."""
        return bool(self.conflicts)

    @property
    def total(self) -> int:
        """The number of entries."""
        return len(self.new_entries) + len(self.conflicts) + len(self.identical)


@dataclass
class ImportResult:
    """What an import did; without success, nothing.

    Args:
        added: entries that were not there.
        replaced: entries that were overwritten.
        skipped: entries that were left as they are.
        merged: entries that were added beside the one of the same id.
        backup_path: an archive of the base before; it stays when the import failed afterwards.
        errors: why there was no success.
    """

    success: bool
    added: int = 0
    replaced: int = 0
    skipped: int = 0
    merged: int = 0
    backup_path: Path | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def total_processed(self) -> int:
        """The number of entries that were added, replaced, merged or skipped."""
        return self.added + self.replaced + self.skipped + self.merged


def detect_conflict(local: Entry, imported: Entry) -> Conflict | None:
    """How two states of an entry differ; None when they do not, or are of different entries."""
    if local.id != imported.id:
        return None
    changed = planning.changed_fields(local, imported)
    return Conflict(imported.id, local, imported, list(changed)) if changed else None


def build_import_plan(db: OpenBase, imported_entries: list[Entry]) -> ImportPlan:
    """Compare entries with the base. Nothing is written or counted.

    Raises:
        ImportRefusedError: an entry holds a value that no base can hold, or stands there twice.
    """
    found = planning.build_plan(db, _Entries(imported_entries), _NO_LIMITS)
    ids, local = list(found.conflicts), {}
    for start in range(0, len(ids), _AT_ONCE):
        local.update(db.store.entries.get_many(ids[start : start + _AT_ONCE]))
    plan = ImportPlan()
    for entry in imported_entries:
        if entry.id in found.identical:
            plan.identical.append(entry.id)
        elif entry.id in local:
            fields = list(found.conflicts[entry.id].fields)
            plan.conflicts.append(Conflict(entry.id, local[entry.id], entry, fields))
        else:
            plan.new_entries.append(entry)
    return plan


class ImportExecutor:
    """Does what a plan says.

    Args:
        db: the base.
        backup_dir: where the archive goes that is made before entries are replaced; `backups` beside the base if left
            out.
    """

    def __init__(self, db: OpenBase, backup_dir: Path | None = None) -> None:
        self.db = db
        self.backup_dir = backup_dir

    def execute(self, plan: ImportPlan, strategy: ImportStrategy = "skip") -> ImportResult:
        """Import what a plan says, all of it or nothing.

        Args:
            plan: made for the base as it is; entries may be taken out of it.
            strategy: what becomes of an entry that differs: `skip` leaves the one in the base, `replace` overwrites it
                after the whole base went to an archive, `merge` adds the imported one under a new id. Under any other
                it is left alone, and not counted.

        Returns:
            Without success it says why, and nothing was written.
        """
        backup: list[Path] = []

        def back_up() -> Path:
            backup.append(self._create_backup())
            return backup[-1]

        conflicts = plan.conflicts if strategy in ("replace", "merge") else []
        try:
            found = planning.build_plan(
                self.db, _Entries([*plan.new_entries, *(each.imported for each in conflicts)]), _NO_LIMITS
            )
            known = next((entry.id for entry in plan.new_entries if entry.id not in found.new), None)
            if known is not None:
                raise ImportRefusedError(f"entry {plain(known)} is in the base by now: make a new plan")
            report = apply_plan(self.db, found, strategy if conflicts else "skip", before_replacing=back_up)
        except (RekallError, OSError) as error:
            return ImportResult(False, backup_path=backup[-1] if backup else None, errors=[str(error)])
        if report.replaced:
            for conflict in conflicts:
                conflict.imported.updated_at = report.moment
        left = len(plan.identical) + (len(plan.conflicts) if strategy == "skip" else 0)
        return _result(report, left)

    @staticmethod
    def preview(plan: ImportPlan) -> str:
        """A plan as text of several lines; control characters in titles are escaped."""
        if not plan.total:
            return "Nothing to import"
        lines = [f"Total: {plan.total}"]
        if plan.new_entries:
            lines += ["", f"New ({len(plan.new_entries)}):"]
            lines += [f"  [NEW] {_head(entry.id)} {plain(entry.title)}" for entry in plan.new_entries]
        if plan.conflicts:
            lines += ["", f"Conflicts ({len(plan.conflicts)}):"]
            for each in plan.conflicts:
                lines += [f"  [CONFLICT] {_head(each.entry_id)} {plain(each.imported.title)}", f"    {each.summary}"]
        if plan.identical:
            lines += ["", f"Identical ({len(plan.identical)}):"]
            lines += [f"  [SKIP] {_head(entry_id)}" for entry_id in plan.identical]
        return "\n".join(lines)

    def _create_backup(self) -> Path:
        return back_up_before_import(self.db, self.backup_dir)


def load_entries_from_external_db(db_path: Path) -> list[Entry]:
    """All entries of a database file of any schema so far, which is not changed; obsolete ones too, without contexts.

    Raises:
        ValueError: there is no such file, it is none of Rekall's, or it cannot be read.
    """
    return external_entries(Path(db_path))


class _Entries:
    """Entries in memory, as something to import."""

    name = "the list of entries"

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries
        self.total = len(entries)

    def records(self) -> Iterator[Record]:
        """One for each entry."""
        for entry in self._entries:
            place = f"entry {plain(str(entry.id))}"
            try:
                values = {**entry_values(entry), "tags": list(dict.fromkeys(entry.tags))}
            except (AttributeError, TypeError, ValueError, OverflowError) as error:
                raise ImportRefusedError(f"{place} cannot be stored: {error}") from error
            yield checked_entry(Record(ENTRIES, values, place))

    def close(self) -> None:
        """There is nothing to give back."""


def _result(report: ImportReport, left: int) -> ImportResult:
    return ImportResult(
        success=True,
        added=report.added,
        replaced=report.replaced,
        skipped=left + report.skipped,
        merged=report.merged,
        backup_path=report.backup,
    )


def _head(entry_id: str) -> str:
    return f"{plain(entry_id[:_ID_SHOWN], _ID_SHOWN)}..."
