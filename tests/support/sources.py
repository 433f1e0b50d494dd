"""Sources for tests: any that can be stored, and rows put in with the driver alone, as another program leaves them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from rekall import models
from rekall.db import Database
from support import raw
from support.entries import ANY_TEXT, MOMENTS

DOMAINS = st.sampled_from(["example.com", "école.example.fr", "GitHub.com", "docs.python.org", ""])


def any_source() -> st.SearchStrategy[models.Source]:
    """Sources without an id, with every other field set to anything that it takes."""
    maybe, part = st.none(), st.floats(0, 1)
    return st.builds(
        models.Source,
        domain=DOMAINS | ANY_TEXT,
        url_pattern=maybe | ANY_TEXT,
        usage_count=st.integers(0, 10**9),
        last_used=maybe | MOMENTS,
        personal_score=st.floats(0, 100),
        reliability=st.sampled_from(models.VALID_SOURCE_RELIABILITY),
        decay_rate=st.sampled_from(models.VALID_SOURCE_DECAY_RATES),
        last_verified=maybe | MOMENTS,
        status=st.sampled_from(models.VALID_SOURCE_STATUSES),
        created_at=MOMENTS,
        is_seed=st.booleans(),
        is_promoted=st.booleans(),
        promoted_at=maybe | MOMENTS,
        role=st.sampled_from(models.VALID_SOURCE_ROLES),
        seed_origin=maybe | ANY_TEXT,
        citation_quality_factor=part,
        ai_type=maybe | st.sampled_from(models.VALID_SOURCE_AI_TYPES),
        ai_tags=maybe | st.lists(ANY_TEXT, min_size=1, max_size=3),
        ai_summary=maybe | ANY_TEXT,
        ai_confidence=maybe | part,
        enrichment_status=st.sampled_from(models.VALID_ENRICHMENT_STATUSES),
        enrichment_validated_at=maybe | MOMENTS,
        enrichment_validated_by=maybe | st.sampled_from(models.VALID_VALIDATED_BY),
    )


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
