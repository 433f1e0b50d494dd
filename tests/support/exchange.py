"""Bases that are carried elsewhere, and whether all of them arrived."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rekall.db import Database
from rekall.exchange.apply import ImportReport, apply_plan
from rekall.exchange.dump import Selection, dumped
from rekall.exchange.export import write
from rekall.exchange.json_reader import JsonReader
from rekall.exchange.limits import Limits
from rekall.exchange.plan import build_plan
from rekall.exchange.records import Incoming
from rekall.store.schema import TABLES
from support import raw

WHOLE = Selection(embeddings=True)


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the schema, in an order of its own."""
    found = raw.all_rows(path)
    return {table: sorted(found[table], key=repr) for table in TABLES}


def exported(db: Database, form: str, selection: Selection = WHOLE) -> bytes:
    """The base as a file."""
    stream = io.BytesIO()
    with dumped(db, selection) as dump:
        write(stream, dump, form)
    return stream.getvalue()


def reader(content: bytes, form: str, limits: Limits | None = None) -> Incoming:
    """Something to import, of a file's content."""
    if form == "json":
        return JsonReader(io.BytesIO(content), limits or Limits(), f"base.{form}")
    from rekall.exchange.archive_reader import ArchiveReader

    return ArchiveReader(io.BytesIO(content), limits or Limits(), "base.rekall.zip")


def imported(db: Database, content: bytes, form: str, strategy: str = "skip") -> ImportReport:
    """Import a file's content."""
    return apply_plan(db, build_plan(db, reader(content, form)), strategy)
