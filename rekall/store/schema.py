"""Schema 12: the tables that Rekall 0.3 and this version share, each column declared once.

What may be added beside them (all of it can be rebuilt) is in `rekall.store.derived`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

CURRENT_SCHEMA_VERSION = 12


class Table(NamedTuple):
    """One table: its columns with their definitions, then what stands behind the columns, and its indexes.

    Args:
        columns: column name to type and constraint, in order.
        constraints: table constraints, in order.
        indexes: index name to what it covers.
    """

    columns: Mapping[str, str]
    constraints: Sequence[str] = ()
    indexes: Mapping[str, str] | None = None

    def create(self, name: str) -> str:
        """The CREATE TABLE statement."""
        lines = [f"{column} {definition}" for column, definition in self.columns.items()]
        return f"CREATE TABLE IF NOT EXISTS {name} ({', '.join([*lines, *self.constraints])})"


_CASCADE = "FOREIGN KEY (entry_id) REFERENCES entries(id) ON DELETE CASCADE"

TABLES: Mapping[str, Table] = {
    "entries": Table(
        {
            "id": "TEXT PRIMARY KEY",
            "title": "TEXT NOT NULL",
            "content": "TEXT",
            "type": "TEXT NOT NULL",
            "project": "TEXT",
            "confidence": "INTEGER DEFAULT 2",
            "status": "TEXT DEFAULT 'active'",
            "superseded_by": "TEXT",
            "created_at": "TEXT NOT NULL",
            "updated_at": "TEXT NOT NULL",
            "memory_type": "TEXT DEFAULT 'episodic'",
            "last_accessed": "TEXT",
            "access_count": "INTEGER DEFAULT 0",
            "consolidation_score": "REAL DEFAULT 0.0",
            "next_review": "TEXT",
            "review_interval": "INTEGER DEFAULT 1",
            "ease_factor": "REAL DEFAULT 2.5",
            "context_compressed": "BLOB",
            "context_structured": "TEXT",
            "context_blob": "BLOB",
            "centrality_score": "REAL DEFAULT 0.0",
        },
        (
            "FOREIGN KEY (superseded_by) REFERENCES entries(id)",
            "CHECK (type IN ('bug', 'pattern', 'decision', 'pitfall', 'config', 'reference'))",
            "CHECK (confidence BETWEEN 0 AND 5)",
            "CHECK (status IN ('active', 'obsolete'))",
        ),
        {
            "idx_entries_type": "type",
            "idx_entries_project": "project",
            "idx_entries_status": "status",
            "idx_entries_created": "created_at",
            "idx_entries_memory_type": "memory_type",
            "idx_entries_next_review": "next_review",
            "idx_entries_last_accessed": "last_accessed",
            "idx_entries_context": "context_structured",
            "idx_entries_centrality": "centrality_score DESC",
        },
    ),
    "tags": Table(
        {"entry_id": "TEXT NOT NULL", "tag": "TEXT NOT NULL"},
        ("PRIMARY KEY (entry_id, tag)", _CASCADE),
        {"idx_tags_tag": "tag"},
    ),
    "links": Table(
        {
            "id": "TEXT PRIMARY KEY",
            "source_id": "TEXT NOT NULL",
            "target_id": "TEXT NOT NULL",
            "relation_type": "TEXT NOT NULL",
            "created_at": "TEXT NOT NULL",
            "reason": "TEXT",
        },
        (
            "FOREIGN KEY (source_id) REFERENCES entries(id) ON DELETE CASCADE",
            "FOREIGN KEY (target_id) REFERENCES entries(id) ON DELETE CASCADE",
            "CHECK (relation_type IN ('related', 'supersedes', 'derived_from', 'contradicts'))",
            "UNIQUE (source_id, target_id, relation_type)",
            "CHECK (source_id != target_id)",
        ),
        {"idx_links_source": "source_id", "idx_links_target": "target_id", "idx_links_type": "relation_type"},
    ),
    "embeddings": Table(
        {
            "id": "TEXT PRIMARY KEY",
            "entry_id": "TEXT NOT NULL",
            "embedding_type": "TEXT NOT NULL",
            "vector": "BLOB NOT NULL",
            "dimensions": "INTEGER NOT NULL",
            "model_name": "TEXT NOT NULL",
            "created_at": "TEXT NOT NULL",
        },
        (
            _CASCADE,
            "CHECK (embedding_type IN ('summary', 'context'))",
            "CHECK (dimensions IN (128, 384, 768))",
            "UNIQUE (entry_id, embedding_type)",
        ),
        {"idx_embeddings_entry": "entry_id", "idx_embeddings_type": "embedding_type"},
    ),
    "suggestions": Table(
        {
            "id": "TEXT PRIMARY KEY",
            "suggestion_type": "TEXT NOT NULL",
            "entry_ids": "TEXT NOT NULL",
            "reason": "TEXT",
            "score": "REAL NOT NULL",
            "status": "TEXT NOT NULL DEFAULT 'pending'",
            "created_at": "TEXT NOT NULL",
            "resolved_at": "TEXT",
        },
        (
            "CHECK (suggestion_type IN ('link', 'generalize'))",
            "CHECK (status IN ('pending', 'accepted', 'rejected'))",
            "CHECK (score BETWEEN 0.0 AND 1.0)",
        ),
        {
            "idx_suggestions_status": "status",
            "idx_suggestions_type": "suggestion_type",
            "idx_suggestions_created": "created_at",
        },
    ),
    "metadata": Table({"key": "TEXT PRIMARY KEY", "value": "TEXT NOT NULL"}),
    "context_keywords": Table(
        {"entry_id": "TEXT NOT NULL", "keyword": "TEXT NOT NULL"},
        (_CASCADE, "PRIMARY KEY (entry_id, keyword)"),
        {"idx_context_keywords": "keyword"},
    ),
    "sources": Table(
        {
            "id": "TEXT PRIMARY KEY",
            "domain": "TEXT NOT NULL",
            "url_pattern": "TEXT",
            "usage_count": "INTEGER DEFAULT 0",
            "last_used": "TEXT",
            "personal_score": "REAL DEFAULT 50.0",
            "reliability": "TEXT DEFAULT 'B'",
            "decay_rate": "TEXT DEFAULT 'medium'",
            "last_verified": "TEXT",
            "status": "TEXT DEFAULT 'active'",
            "created_at": "TEXT NOT NULL",
            "is_seed": "INTEGER DEFAULT 0",
            "is_promoted": "INTEGER DEFAULT 0",
            "promoted_at": "TEXT",
            "role": "TEXT DEFAULT 'unclassified'",
            "seed_origin": "TEXT",
            "citation_quality_factor": "REAL DEFAULT 0.0",
            "ai_type": "TEXT",
            "ai_tags": "TEXT",
            "ai_summary": "TEXT",
            "ai_confidence": "REAL",
            "enrichment_status": "TEXT DEFAULT 'none'",
            "enrichment_validated_at": "TEXT",
            "enrichment_validated_by": "TEXT",
        },
        (
            "CHECK (reliability IN ('A', 'B', 'C'))",
            "CHECK (decay_rate IN ('fast', 'medium', 'slow'))",
            "CHECK (status IN ('active', 'inaccessible', 'archived'))",
        ),
        {
            "idx_sources_domain": "domain",
            "idx_sources_score": "personal_score DESC",
            "idx_sources_status": "status",
            "idx_sources_is_seed": "is_seed",
            "idx_sources_is_promoted": "is_promoted",
            "idx_sources_role": "role",
            "idx_sources_enrichment_status": "enrichment_status",
            "idx_sources_ai_confidence": "ai_confidence",
        },
    ),
    "entry_sources": Table(
        {
            "id": "TEXT PRIMARY KEY",
            "entry_id": "TEXT NOT NULL",
            "source_id": "TEXT",
            "source_type": "TEXT NOT NULL",
            "source_ref": "TEXT NOT NULL",
            "note": "TEXT",
            "created_at": "TEXT NOT NULL",
        },
        (
            _CASCADE,
            "FOREIGN KEY (source_id) REFERENCES sources(id) ON DELETE SET NULL",
            "CHECK (source_type IN ('theme', 'url', 'file'))",
        ),
        {
            "idx_entry_sources_entry": "entry_id",
            "idx_entry_sources_source": "source_id",
            "idx_entry_sources_type": "source_type",
        },
    ),
    "source_themes": Table(
        {"source_id": "TEXT NOT NULL", "theme": "TEXT NOT NULL"},
        ("PRIMARY KEY (source_id, theme)", "FOREIGN KEY (source_id) REFERENCES sources(id) ON DELETE CASCADE"),
        {"idx_source_themes_theme": "theme"},
    ),
    "known_domains": Table(
        {"domain": "TEXT PRIMARY KEY", "role": "TEXT NOT NULL", "notes": "TEXT", "created_at": "TEXT NOT NULL"},
        ("CHECK (role IN ('hub', 'authority'))",),
    ),
    "saved_filters": Table(
        {
            "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
            "name": "TEXT NOT NULL UNIQUE",
            "filter_json": "TEXT NOT NULL",
            "created_at": "TEXT NOT NULL DEFAULT (datetime('now'))",
        },
        (),
        {"idx_saved_filters_name": "name"},
    ),
    "sources_inbox": Table(
        {
            "id": "TEXT PRIMARY KEY",
            "url": "TEXT NOT NULL",
            "domain": "TEXT",
            "cli_source": "TEXT NOT NULL",
            "project": "TEXT",
            "conversation_id": "TEXT",
            "user_query": "TEXT",
            "assistant_snippet": "TEXT",
            "surrounding_text": "TEXT",
            "captured_at": "TEXT DEFAULT (datetime('now'))",
            "import_source": "TEXT",
            "raw_json": "TEXT",
            "is_valid": "INTEGER DEFAULT 1",
            "validation_error": "TEXT",
            "enriched_at": "TEXT",
        },
        (),
        {
            "idx_inbox_url": "url",
            "idx_inbox_domain": "domain",
            "idx_inbox_cli": "cli_source",
            "idx_inbox_captured": "captured_at",
            "idx_inbox_valid": "is_valid",
            "idx_inbox_enriched": "enriched_at",
        },
    ),
    "sources_staging": Table(
        {
            "id": "TEXT PRIMARY KEY",
            "url": "TEXT NOT NULL UNIQUE",
            "domain": "TEXT NOT NULL",
            "title": "TEXT",
            "description": "TEXT",
            "content_type": "TEXT",
            "language": "TEXT",
            "last_verified": "TEXT",
            "is_accessible": "INTEGER DEFAULT 1",
            "http_status": "INTEGER",
            "citation_count": "INTEGER DEFAULT 1",
            "project_count": "INTEGER DEFAULT 1",
            "projects_list": "TEXT",
            "first_seen": "TEXT",
            "last_seen": "TEXT",
            "promotion_score": "REAL DEFAULT 0.0",
            "inbox_ids": "TEXT",
            "enriched_at": "TEXT",
            "promoted_at": "TEXT",
            "promoted_to": "TEXT",
        },
        ("FOREIGN KEY (promoted_to) REFERENCES sources(id) ON DELETE SET NULL",),
        {
            "idx_staging_score": "promotion_score DESC",
            "idx_staging_domain": "domain",
            "idx_staging_content_type": "content_type",
            "idx_staging_promoted": "promoted_at",
        },
    ),
    "connector_imports": Table(
        {
            "connector": "TEXT PRIMARY KEY",
            "last_import": "TEXT",
            "last_file_marker": "TEXT",
            "entries_imported": "INTEGER DEFAULT 0",
            "errors_count": "INTEGER DEFAULT 0",
        },
    ),
}

TOKENIZER = "tokenize = 'porter unicode61'"
FULL_TEXT_COLUMNS = ("id", "title", "content", "tags")
FULL_TEXT = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS entries_fts USING fts5(id UNINDEXED, title, content, tags, {TOKENIZER})"
)

KNOWN_DOMAINS: Mapping[str, Sequence[str]] = {
    "authority": (
        *("developer.mozilla.org", "docs.python.org", "tc39.es", "www.w3.org", "www.rfc-editor.org", "rust-lang.org"),
        *("go.dev", "react.dev", "vuejs.org", "angular.io", "nodejs.org", "www.typescriptlang.org", "kubernetes.io"),
        *("docs.docker.com", "www.sqlite.org", "www.postgresql.org"),
    ),
    "hub": (
        *("stackoverflow.com", "news.ycombinator.com", "reddit.com", "github.com", "dev.to", "medium.com"),
        *("hashnode.dev", "lobste.rs", "slashdot.org"),
    ),
}
"""The domains that schema 9 brought, by role."""


def indexes() -> Iterator[str]:
    """The CREATE INDEX statements of all tables."""
    for table, declared in TABLES.items():
        for name, covered in (declared.indexes or {}).items():
            yield f"CREATE INDEX IF NOT EXISTS {name} ON {table}({covered})"
