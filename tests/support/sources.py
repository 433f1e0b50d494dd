"""Rows of sources and of their citations, put in with the driver alone, as another program leaves them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rekall.db import Database
from support import raw


def insert(path: Path, table: str, **columns: Any) -> None:
    """Put one row in; a column left out takes the default of the schema."""
    with raw.connection(path) as opened:
        opened.execute(
            f"INSERT INTO {table}({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            list(columns.values()),
        )
        opened.commit()


def source(db: Database, source_id: str, domain: str = "example.com", *themes: str, **columns: Any) -> str:
    """Put a source in, with its themes."""
    insert(db.db_path, "sources", **{"id": source_id, "domain": domain, "created_at": "2025-01-01T00:00:00", **columns})
    for theme in themes:
        insert(db.db_path, "source_themes", source_id=source_id, theme=theme)
    return source_id


def cite(db: Database, entry_id: str, source_id: str | None, *refs: str, kind: str = "url", days: float = 0) -> None:
    """Let an entry cite a source, once for each reference, so many days ago."""
    for ref in refs:
        insert(
            db.db_path,
            "entry_sources",
            id=f"{entry_id}-{source_id}-{ref}",
            entry_id=entry_id,
            source_id=source_id,
            source_type=kind,
            source_ref=ref,
            created_at=ago(days),
        )


def ago(days: float) -> str:
    """The local time so many days ago, as the file holds it."""
    return (datetime.now() - timedelta(days=days)).isoformat()
