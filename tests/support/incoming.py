"""Something to import that a test has in memory, as entries, as records, or as the sample archive of 0.3."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from rekall.exchange.archive_reader import ArchiveReader
from rekall.exchange.json_reader import JsonReader
from rekall.exchange.limits import Limits
from rekall.exchange.records import ENTRIES, Incoming, Record
from rekall.models import Entry, StructuredContext
from rekall.store.rows import entry_values
from support import databases

FORMS = ("rekall", "json")


class Given:
    """Records, the same each time they are read; keeps count of the readings."""

    name = "what was given"

    def __init__(self, *records: Record) -> None:
        self.all = records
        self.total = len(records)
        self.readings = 0

    def records(self) -> Iterator[Record]:
        """They, in order."""
        self.readings += 1
        yield from self.all

    def close(self) -> None:
        """Nothing is open."""


def entry_record(entry: Entry, context: StructuredContext | None = None, **columns: Any) -> Record:
    """An entry as a record, with other columns as given; one of `...` is left out of it."""
    values: dict[str, Any] = {**entry_values(entry), "tags": list(entry.tags)}
    if context is not None:
        values["context_structured"] = context.to_json()
    values |= columns
    return Record(ENTRIES, {name: value for name, value in values.items() if value is not ...}, f"entry {entry.id}")


def given(*entries: Entry) -> Given:
    """Entries alone."""
    return Given(*map(entry_record, entries))


def link_record(source_id: str, target_id: str, relation: str = "related") -> Record:
    """A link."""
    values = {
        "id": f"link {source_id} {target_id} {relation}",
        "source_id": source_id,
        "target_id": target_id,
        "relation_type": relation,
        "created_at": "2025-12-20T10:00:00",
        "reason": None,
    }
    return Record("links", values, f"the link from {source_id} to {target_id}")


def vector_record(entry_id: str, kind: str, fill: int) -> Record:
    """A vector of 128 numbers, all of the same bytes."""
    values = {
        "id": f"vector {entry_id} {kind}",
        "entry_id": entry_id,
        "embedding_type": kind,
        "vector": bytes([fill]) * 128 * 4,
        "dimensions": 128,
        "model_name": "made-up",
        "created_at": "2025-12-20T10:00:00",
    }
    return Record("embeddings", values, f"the {kind} vector of {entry_id}")


def sample(form: str) -> Incoming:
    """What 0.3 exported of v12.db: `rekall` is its archive, `json` its JSON."""
    content = (databases.FOLDER / "sample.rekall.zip").read_bytes()
    if form == "rekall":
        return ArchiveReader(io.BytesIO(content), Limits(), "sample.rekall.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return JsonReader(io.BytesIO(archive.read("entries.json")), Limits(), "sample.json")


def sample_plan(name: str) -> dict[str, Any]:
    """What 0.3 planned for the sample: `empty_database`, `v12` or `v12_with_two_changes`."""
    plan = databases.expected()["exports"]["sample.rekall.zip"][f"import_plan_into_{name}"]
    return {key: plan[key] for key in ("new", "identical", "conflicts")}
