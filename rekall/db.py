"""SHIM FACADE: `Database`, the class that programs written for Rekall 0.3 import.

It forwards, one call for each method. The SQL is in `rekall.store`, and the storage is whatever back end the container
resolves for the path. The modern names are the repositories: `db.entries`, `db.links`, `db.reviews`, `db.sources` ...
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from rekall import models
from rekall import store as repositories
from rekall.deprecation import moved_names
from rekall.handle import Handle
from rekall.infra.container import ServiceContainer
from rekall.infra.interfaces import CacheBackend
from rekall.models import Entry, Link, SearchResult, StructuredContext
from rekall.store.context_codec import compress_context, decompress_context
from rekall.store.schema import CURRENT_SCHEMA_VERSION
from rekall.store.session import AS_A_COMMAND, SessionOptions

__all__ = ["CURRENT_SCHEMA_VERSION", "Database", "compress_context", "decompress_context"]

moved_names(__name__)


class Database:
    """A knowledge base.

    Args:
        db_path: the database file. A registered or configured back end that has no files keeps the base instead.
        container: resolves the back end; the one of this process if left out.
        options: how the base is used; as by a command if left out.
    """

    def __init__(
        self,
        db_path: Path,
        *,
        container: ServiceContainer | None = None,
        options: SessionOptions = AS_A_COMMAND,
    ) -> None:
        self.db_path = Path(db_path)
        self._handle = Handle(self.db_path, container, options)

    def init(self) -> None:
        """Open the base: create one where there is none, migrate an older one behind a backup; again: nothing.

        Raises:
            ConfigError: the configured back end cannot be used.
            DatabaseError: the base cannot be opened; the file is left as it was.
        """
        self._handle.open()

    def close(self) -> None:
        """Give the back end back; a second call does nothing."""
        self._handle.close()

    def __enter__(self) -> Database:
        self.init()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def store(self) -> repositories.Store:
        """The repositories of the open base.

        Raises:
            ClosedError: before `init` and after `close`.
        """
        return self._handle.store

    @property
    def cache_backend(self) -> CacheBackend:
        """Where what was made of the base is kept for a while: the cache back end of its container.

        Raises:
            ConfigError: the configured back end cannot be used.
        """
        return self._handle.cache_backend

    @property
    def conn(self) -> sqlite3.Connection | None:
        """The raw connection, None before `init` and after `close`. Deprecated.

        Raises:
            NotSupportedError: this back end has none.
        """
        return self._handle.connection

    @property
    def backup_made(self) -> Path | None:
        """The backup that `init` made before it migrated an older file, if it did."""
        return self.store.backup_made

    @property
    def entries(self) -> repositories.Entries:
        """Entries and their tags."""
        return self.store.entries

    @property
    def contexts(self) -> repositories.Contexts:
        """The contexts of entries."""
        return self.store.contexts

    @property
    def links(self) -> repositories.Links:
        """Links between entries."""
        return self.store.links

    @property
    def reviews(self) -> repositories.Reviews:
        """Entries to go over again: due by their schedule, or long unused."""
        return self.store.reviews

    @property
    def embeddings(self) -> repositories.Embeddings:
        """The vectors of entries."""
        return self.store.embeddings

    @property
    def suggestions(self) -> repositories.Suggestions:
        """Proposals to link or to generalize entries."""
        return self.store.suggestions

    @property
    def filters(self) -> repositories.Filters:
        """Searches of sources, saved under a name."""
        return self.store.filters

    @property
    def sources(self) -> repositories.Sources:
        """Sources: their records, their status and what enrichment proposed."""
        return self.store.sources

    @property
    def source_lists(self) -> repositories.SourceLists:
        """Selections of sources: by score, theme, tag, use and need of a check."""
        return self.store.source_lists

    @property
    def themes(self) -> repositories.Themes:
        """The themes that sources have."""
        return self.store.themes

    @property
    def known_domains(self) -> repositories.KnownDomains:
        """Domains whose role is known."""
        return self.store.known_domains

    @property
    def promotions(self) -> repositories.Promotions:
        """The standing of sources: seeds, promoted ones, and their role."""
        return self.store.promotions

    @property
    def citations(self) -> repositories.Citations:
        """Citations of sources by entries."""
        return self.store.citations

    @property
    def scores(self) -> repositories.Scores:
        """The scores of sources."""
        return self.store.scores

    @property
    def inbox(self) -> repositories.Inbox:
        """Addresses as they were captured."""
        return self.store.inbox

    @property
    def staging(self) -> repositories.Staging:
        """Pages on their way to becoming sources."""
        return self.store.staging

    @property
    def connector_imports(self) -> repositories.ConnectorImports:
        """How far the imports of connectors have come."""
        return self.store.connector_imports

    @property
    def metadata(self) -> repositories.Metadata:
        """Facts about the base itself."""
        return self.store.metadata

    @property
    def maintenance(self) -> repositories.Maintenance:
        """Checks of the base, and the rebuilding of what can be rebuilt."""
        return self.store.maintenance

    def get_schema_version(self) -> int:
        """The schema version that the base states."""
        return self.store.schema_version()

    # entries, search, tags, access

    def add(self, entry: Entry, *, context: StructuredContext | None = None, context_text: str | None = None) -> None:
        """See `Entries.add`."""
        self.store.entries.add(entry, context=context, context_text=context_text)

    def get(self, entry_id: str, update_access: bool = True) -> Entry | None:
        """See `Entries.get`."""
        return self.store.entries.get(entry_id, update_access)

    def update(self, entry: Entry) -> None:
        """See `Entries.update`."""
        self.store.entries.update(entry)

    def delete(self, entry_id: str) -> None:
        """See `Entries.delete`."""
        self.store.entries.delete(entry_id)

    def list_all(
        self,
        entry_type: str | None = None,
        project: str | None = None,
        memory_type: str | None = None,
        include_obsolete: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Entry]:
        """See `Entries.list_all`."""
        return self.store.entries.list_all(entry_type, project, memory_type, include_obsolete, limit, offset)

    def search(
        self,
        query: str,
        entry_type: str | None = None,
        project: str | None = None,
        memory_type: str | None = None,
        include_obsolete: bool = False,
        limit: int = 20,
        update_access: bool = True,
    ) -> list[SearchResult]:
        """See `Search.search`."""
        return self.store.search.search(query, entry_type, project, memory_type, include_obsolete, limit, update_access)

    # contexts

    def store_context(self, entry_id: str, context: str) -> None:
        """See `Contexts.store_context`."""
        self.store.contexts.store_context(entry_id, context)

    def get_context(self, entry_id: str) -> str | None:
        """See `Contexts.get_context`."""
        return self.store.contexts.get_context(entry_id)

    def store_structured_context(self, entry_id: str, context: StructuredContext) -> None:
        """See `Contexts.store_structured_context`."""
        self.store.contexts.store_structured_context(entry_id, context)

    def get_structured_context(self, entry_id: str) -> StructuredContext | None:
        """See `Contexts.get_structured_context`."""
        return self.store.contexts.get_structured_context(entry_id)

    def get_contexts_for_verification(self, entry_ids: list[str]) -> dict[str, str | None]:
        """See `Contexts.get_contexts_for_verification`."""
        return self.store.contexts.get_contexts_for_verification(entry_ids)

    def get_context_sizes(self, entry_ids: list[str]) -> dict[str, int]:
        """See `Contexts.get_context_sizes`."""
        return self.store.contexts.get_context_sizes(entry_ids)

    def get_entries_with_structured_context(self, limit: int = 100) -> list[tuple[Entry, StructuredContext]]:
        """See `Contexts.get_entries_with_structured_context`."""
        return self.store.contexts.get_entries_with_structured_context(limit)

    def search_by_keywords(self, keywords: list[str], limit: int = 20) -> list[Entry]:
        """See `Contexts.search_by_keywords`."""
        return self.store.contexts.search_by_keywords(keywords, limit)

    def count_entries_without_context_blob(self) -> int:
        """See `Contexts.count_entries_without_context_blob`."""
        return self.store.contexts.count_entries_without_context_blob()

    def migrate_to_compressed_context(self) -> tuple[int, int]:
        """See `Contexts.migrate_to_compressed_context`."""
        return self.store.contexts.migrate_to_compressed_context()

    # links and graph

    def add_link(
        self, source_id: str, target_id: str, relation_type: str = "related", reason: str | None = None
    ) -> Link:
        """See `Links.add_link`."""
        return self.store.links.add_link(source_id, target_id, relation_type, reason)

    def get_links(self, entry_id: str, relation_type: str | None = None, direction: str = "both") -> list[Link]:
        """See `Links.get_links`."""
        return self.store.links.get_links(entry_id, relation_type, direction)

    def get_related_entries(self, entry_id: str, relation_type: str | None = None) -> list[tuple[Entry, Link]]:
        """See `Links.get_related_entries`."""
        return self.store.links.get_related_entries(entry_id, relation_type)

    def delete_link(self, source_id: str, target_id: str, relation_type: str | None = None) -> int:
        """See `Links.delete_link`."""
        return self.store.links.delete_link(source_id, target_id, relation_type)

    def count_links(self, entry_id: str) -> int:
        """See `Links.count_links`."""
        return self.store.links.count_links(entry_id)

    def count_links_by_direction(self, entry_id: str) -> tuple[int, int]:
        """See `Links.count_links_by_direction`."""
        return self.store.links.count_links_by_direction(entry_id)

    def calculate_centrality_score(self, entry_id: str) -> float:
        """See `Links.calculate_centrality_score`."""
        return self.store.links.calculate_centrality_score(entry_id)

    def update_centrality_score(self, entry_id: str) -> float:
        """See `Links.update_centrality_score`."""
        return self.store.links.update_centrality_score(entry_id)

    def update_all_centrality_scores(self, *, on_progress: Callable[[int, int], None] | None = None) -> int:
        """See `Links.update_all_centrality_scores`."""
        return self.store.links.update_all_centrality_scores(on_progress=on_progress)

    def render_graph_ascii(
        self,
        entry_id: str,
        max_depth: int = 2,
        show_incoming: bool = True,
        show_outgoing: bool = True,
        make_clickable: bool = False,
    ) -> str | tuple[str, list[str]]:
        """See `rekall.graph.render_graph_ascii`."""
        from rekall import graph  # a search never needs it

        return graph.render_graph_ascii(self.store, entry_id, max_depth, show_incoming, show_outgoing, make_clickable)

    # metadata

    def get_metadata(self, key: str) -> str | None:
        """See `Metadata.get_metadata`."""
        return self.store.metadata.get_metadata(key)

    def set_metadata(self, key: str, value: str) -> None:
        """See `Metadata.set_metadata`."""
        self.store.metadata.set_metadata(key, value)

    def delete_metadata(self, key: str) -> bool:
        """See `Metadata.delete_metadata`."""
        return self.store.metadata.delete_metadata(key)

    def is_first_weekly_call(self) -> bool:
        """See `Metadata.is_first_weekly_call`."""
        return self.store.metadata.is_first_weekly_call()

    def update_weekly_check(self) -> None:
        """See `Metadata.update_weekly_check`."""
        self.store.metadata.update_weekly_check()

    # reviews

    def get_due_entries(self, limit: int = 10, project: str | None = None) -> list[models.ReviewItem]:
        """See `Reviews.get_due_entries`."""
        return self.store.reviews.get_due_entries(limit, project)

    def get_stale_entries(self, days: int = 30, limit: int = 20) -> list[Entry]:
        """See `Reviews.get_stale_entries`."""
        return self.store.reviews.get_stale_entries(days, limit)

    def update_review_schedule(self, entry_id: str, quality: int) -> None:
        """See `Reviews.update_review_schedule`."""
        self.store.reviews.update_review_schedule(entry_id, quality)

    # embeddings

    def add_embedding(self, embedding: models.Embedding) -> None:
        """See `Embeddings.add_embedding`."""
        self.store.embeddings.add_embedding(embedding)

    def count_embeddings(self) -> int:
        """See `Embeddings.count_embeddings`."""
        return self.store.embeddings.count_embeddings()

    def delete_embedding(self, entry_id: str, embedding_type: str | None = None) -> int:
        """See `Embeddings.delete_embedding`."""
        return self.store.embeddings.delete_embedding(entry_id, embedding_type)

    def get_all_embeddings(self, embedding_type: str | None = None) -> list[models.Embedding]:
        """See `Embeddings.get_all_embeddings`."""
        return self.store.embeddings.get_all_embeddings(embedding_type)

    def get_all_vectors_batch(self, embedding_type: str = "summary") -> tuple[list[str], models.Vector] | None:
        """See `Embeddings.get_all_vectors_batch`."""
        return self.store.embeddings.get_all_vectors_batch(embedding_type)

    def get_embedding(self, entry_id: str, embedding_type: str) -> models.Embedding | None:
        """See `Embeddings.get_embedding`."""
        return self.store.embeddings.get_embedding(entry_id, embedding_type)

    def get_embeddings(self, entry_id: str) -> list[models.Embedding]:
        """See `Embeddings.get_embeddings`."""
        return self.store.embeddings.get_embeddings(entry_id)

    def get_entries_without_embeddings(self, embedding_type: str = "summary") -> list[Entry]:
        """See `Embeddings.get_entries_without_embeddings`."""
        return self.store.embeddings.get_entries_without_embeddings(embedding_type)

    # suggestions

    def add_suggestion(self, suggestion: models.Suggestion) -> None:
        """See `Suggestions.add_suggestion`."""
        self.store.suggestions.add_suggestion(suggestion)

    def get_suggestion(self, suggestion_id: str) -> models.Suggestion | None:
        """See `Suggestions.get_suggestion`."""
        return self.store.suggestions.get_suggestion(suggestion_id)

    def get_suggestions(
        self, status: str | None = None, suggestion_type: str | None = None, limit: int = 100
    ) -> list[models.Suggestion]:
        """See `Suggestions.get_suggestions`."""
        return self.store.suggestions.get_suggestions(status, suggestion_type, limit)

    def suggestion_exists(self, entry_ids: list[str], suggestion_type: str) -> bool:
        """See `Suggestions.suggestion_exists`."""
        return self.store.suggestions.suggestion_exists(entry_ids, suggestion_type)

    def update_suggestion_status(self, suggestion_id: str, status: str) -> bool:
        """See `Suggestions.update_suggestion_status`."""
        return self.store.suggestions.update_suggestion_status(suggestion_id, status)

    # filters

    def delete_saved_filter(self, filter_id: int) -> bool:
        """See `Filters.delete_saved_filter`."""
        return self.store.filters.delete_saved_filter(filter_id)

    def get_saved_filter_by_id(self, filter_id: int) -> dict[str, Any] | None:
        """See `Filters.get_saved_filter_by_id`."""
        return self.store.filters.get_saved_filter_by_id(filter_id)

    def get_saved_filters(self) -> list[dict[str, Any]]:
        """See `Filters.get_saved_filters`."""
        return self.store.filters.get_saved_filters()

    def save_filter(self, name: str, filter_dict: dict[str, Any]) -> int:
        """See `Filters.save_filter`."""
        return self.store.filters.save_filter(name, filter_dict)

    # sources

    def add_source(self, source: models.Source) -> models.Source:
        """See `Sources.add_source`."""
        return self.store.sources.add_source(source)

    def count_enriched_sources(self) -> dict[str, int]:
        """See `Sources.count_enriched_sources`."""
        return self.store.sources.count_enriched_sources()

    def delete_source(self, source_id: str) -> bool:
        """See `Sources.delete_source`."""
        return self.store.sources.delete_source(source_id)

    def get_enriched_sources(self, status: str | None = None, limit: int = 500) -> list[models.Source]:
        """See `Sources.get_enriched_sources`."""
        return self.store.sources.get_enriched_sources(status, limit)

    def get_source(self, source_id: str) -> models.Source | None:
        """See `Sources.get_source`."""
        return self.store.sources.get_source(source_id)

    def get_source_by_domain(self, domain: str, url_pattern: str | None = None) -> models.Source | None:
        """See `Sources.get_source_by_domain`."""
        return self.store.sources.get_source_by_domain(domain, url_pattern)

    def get_source_by_url(self, url: str) -> models.Source | None:
        """See `Sources.get_source_by_url`."""
        return self.store.sources.get_source_by_url(url)

    def get_top_sources(self, limit: int = 20, min_score: float = 0.0) -> list[models.Source]:
        """See `Sources.get_top_sources`."""
        return self.store.sources.get_top_sources(limit, min_score)

    def list_sources(
        self, status: str | None = None, min_score: float | None = None, limit: int = 100, offset: int = 0
    ) -> list[models.Source]:
        """See `Sources.list_sources`."""
        return self.store.sources.list_sources(status, min_score, limit, offset)

    def reject_enrichment(self, source_id: str) -> bool:
        """See `Sources.reject_enrichment`."""
        return self.store.sources.reject_enrichment(source_id)

    def update_source(self, source: models.Source) -> bool:
        """See `Sources.update_source`."""
        return self.store.sources.update_source(source)

    def update_source_status(self, source_id: str, status: str, last_verified: datetime | None = None) -> bool:
        """See `Sources.update_source_status`."""
        return self.store.sources.update_source_status(source_id, status, last_verified)

    def validate_enrichment(self, source_id: str) -> bool:
        """See `Sources.validate_enrichment`."""
        return self.store.sources.validate_enrichment(source_id)

    # source lists

    def get_dormant_sources(self, months: int = 6, limit: int = 20) -> list[models.Source]:
        """See `SourceLists.get_dormant_sources`."""
        return self.store.source_lists.get_dormant_sources(months, limit)

    def get_emerging_sources(self, min_citations: int = 3, days: int = 30, limit: int = 20) -> list[models.Source]:
        """See `SourceLists.get_emerging_sources`."""
        return self.store.source_lists.get_emerging_sources(min_citations, days, limit)

    def get_inaccessible_sources(self, limit: int = 50) -> list[models.Source]:
        """See `SourceLists.get_inaccessible_sources`."""
        return self.store.source_lists.get_inaccessible_sources(limit)

    def get_prioritized_sources_for_theme(
        self, theme: str, limit: int = 10, min_score: float = 20.0
    ) -> list[models.Source]:
        """See `SourceLists.get_prioritized_sources_for_theme`."""
        return self.store.source_lists.get_prioritized_sources_for_theme(theme, limit, min_score)

    def get_promoted_sources(self, limit: int = 100) -> list[models.Source]:
        """See `SourceLists.get_promoted_sources`."""
        return self.store.source_lists.get_promoted_sources(limit)

    def get_seed_sources(self, limit: int = 100) -> list[models.Source]:
        """See `SourceLists.get_seed_sources`."""
        return self.store.source_lists.get_seed_sources(limit)

    def get_source_statistics(self) -> dict[str, Any]:
        """See `SourceLists.get_source_statistics`."""
        return self.store.source_lists.get_source_statistics()

    def get_sources_by_tags(self, tags: list[str], limit: int = 100, min_score: float = 0.0) -> list[models.Source]:
        """See `SourceLists.get_sources_by_tags`."""
        return self.store.source_lists.get_sources_by_tags(tags, limit, min_score)

    def get_sources_by_theme(
        self,
        theme: str,
        limit: int = 20,
        min_score: float = 0.0,
        include_unclassified: bool = True,
        seeds_only: bool = False,
        promoted_only: bool = False,
    ) -> list[models.Source]:
        """See `SourceLists.get_sources_by_theme`."""
        return self.store.source_lists.get_sources_by_theme(
            theme, limit, min_score, include_unclassified, seeds_only, promoted_only
        )

    def get_sources_for_domain_boost(self, limit: int = 20, min_score: float = 20.0) -> list[models.Source]:
        """See `SourceLists.get_sources_for_domain_boost`."""
        return self.store.source_lists.get_sources_for_domain_boost(limit, min_score)

    def get_sources_to_verify(self, days_since_check: int = 1, limit: int = 100) -> list[models.Source]:
        """See `SourceLists.get_sources_to_verify`."""
        return self.store.source_lists.get_sources_to_verify(days_since_check, limit)

    def search_sources_advanced(
        self,
        tags: list[str] | None = None,
        score_min: float | None = None,
        score_max: float | None = None,
        statuses: list[str] | None = None,
        roles: list[str] | None = None,
        last_used_days: int | None = None,
        text_search: str | None = None,
        limit: int = 100,
    ) -> list[models.Source]:
        """See `SourceLists.search_sources_advanced`."""
        return self.store.source_lists.search_sources_advanced(
            tags, score_min, score_max, statuses, roles, last_used_days, text_search, limit
        )

    # themes

    def add_source_theme(self, source_id: str, theme: str) -> bool:
        """See `Themes.add_source_theme`."""
        return self.store.themes.add_source_theme(source_id, theme)

    def get_all_tags_with_counts(self, min_sources: int = 1) -> list[dict[str, Any]]:
        """See `Themes.get_all_tags_with_counts`."""
        return self.store.themes.get_all_tags_with_counts(min_sources)

    def get_source_themes(self, source_id: str) -> list[str]:
        """See `Themes.get_source_themes`."""
        return self.store.themes.get_source_themes(source_id)

    def get_tags_suggestions(self, prefix: str, limit: int = 10) -> list[str]:
        """See `Themes.get_tags_suggestions`."""
        return self.store.themes.get_tags_suggestions(prefix, limit)

    def list_themes_with_counts(self, min_sources: int = 1) -> list[dict[str, Any]]:
        """See `Themes.list_themes_with_counts`."""
        return self.store.themes.list_themes_with_counts(min_sources)

    def remove_source_theme(self, source_id: str, theme: str) -> bool:
        """See `Themes.remove_source_theme`."""
        return self.store.themes.remove_source_theme(source_id, theme)

    # known domains

    def add_known_domain(self, domain: str, role: str, notes: str | None = None) -> bool:
        """See `KnownDomains.add_known_domain`."""
        return self.store.known_domains.add_known_domain(domain, role, notes)

    def get_known_domain(self, domain: str) -> dict[str, Any] | None:
        """See `KnownDomains.get_known_domain`."""
        return self.store.known_domains.get_known_domain(domain)

    # promotions

    def check_promotion_criteria(self, source: models.Source) -> bool:
        """See `Promotions.check_promotion_criteria`."""
        return self.store.promotions.check_promotion_criteria(source)

    def classify_source_auto(self, source_id: str) -> str | None:
        """See `Promotions.classify_source_auto`."""
        return self.store.promotions.classify_source_auto(source_id)

    def classify_source_manual(self, source_id: str, role: str) -> bool:
        """See `Promotions.classify_source_manual`."""
        return self.store.promotions.classify_source_manual(source_id, role)

    def demote_source(self, source_id: str) -> bool:
        """See `Promotions.demote_source`."""
        return self.store.promotions.demote_source(source_id)

    def promote_source(self, source_id: str) -> bool:
        """See `Promotions.promote_source`."""
        return self.store.promotions.promote_source(source_id)

    def recalculate_all_promotions(self) -> dict[str, Any]:
        """See `Promotions.recalculate_all_promotions`."""
        return self.store.promotions.recalculate_all_promotions()

    def update_source_as_seed(self, source_id: str, seed_origin: str, role: str | None = None) -> bool:
        """See `Promotions.update_source_as_seed`."""
        return self.store.promotions.update_source_as_seed(source_id, seed_origin, role)

    # citations

    def count_source_backlinks(self, source_id: str) -> int:
        """See `Citations.count_source_backlinks`."""
        return self.store.citations.count_source_backlinks(source_id)

    def get_backlinks_by_domain(self, domain: str, limit: int = 50) -> list[tuple[Entry, models.EntrySource]]:
        """See `Citations.get_backlinks_by_domain`."""
        return self.store.citations.get_backlinks_by_domain(domain, limit)

    def get_entry_sources(self, entry_id: str) -> list[models.EntrySource]:
        """See `Citations.get_entry_sources`."""
        return self.store.citations.get_entry_sources(entry_id)

    def get_source_backlinks(
        self, source_id: str, limit: int = 50, offset: int = 0
    ) -> list[tuple[Entry, models.EntrySource]]:
        """See `Citations.get_source_backlinks`."""
        return self.store.citations.get_source_backlinks(source_id, limit, offset)

    def link_entry_to_source(
        self, entry_id: str, source_type: str, source_ref: str, source_id: str | None = None, note: str | None = None
    ) -> models.EntrySource:
        """See `Citations.link_entry_to_source`."""
        return self.store.citations.link_entry_to_source(entry_id, source_type, source_ref, source_id, note)

    def unlink_entry_from_source(self, entry_source_id: str) -> bool:
        """See `Citations.unlink_entry_from_source`."""
        return self.store.citations.unlink_entry_from_source(entry_source_id)

    # scores

    def calculate_citation_quality(self, source_id: str) -> float:
        """See `Scores.calculate_citation_quality`."""
        return self.store.scores.calculate_citation_quality(source_id)

    def calculate_source_score(self, source: models.Source) -> float:
        """See `Scores.calculate_source_score`."""
        return self.store.scores.calculate_source_score(source)

    def calculate_source_score_v2(self, source: models.Source) -> float:
        """See `Scores.calculate_source_score_v2`."""
        return self.store.scores.calculate_source_score_v2(source)

    def recalculate_all_scores(self, *, on_progress: Callable[[int, int], None] | None = None) -> int:
        """See `Scores.recalculate_all_scores`."""
        return self.store.scores.recalculate_all_scores(on_progress=on_progress)

    def recalculate_source_score(self, source_id: str, update_citation_quality: bool = True) -> float | None:
        """See `Scores.recalculate_source_score`."""
        return self.store.scores.recalculate_source_score(source_id, update_citation_quality)

    def update_citation_quality(self, source_id: str) -> float | None:
        """See `Scores.update_citation_quality`."""
        return self.store.scores.update_citation_quality(source_id)

    def update_source_usage(self, source_id: str) -> models.Source | None:
        """See `Scores.update_source_usage`."""
        return self.store.scores.update_source_usage(source_id)

    # inbox

    def add_inbox_entry(self, entry: models.InboxEntry) -> str:
        """See `Inbox.add_inbox_entry`."""
        return self.store.inbox.add_inbox_entry(entry)

    def clear_inbox(self, all_entries: bool = False, quarantine_only: bool = False, enriched_only: bool = False) -> int:
        """See `Inbox.clear_inbox`."""
        return self.store.inbox.clear_inbox(all_entries, quarantine_only, enriched_only)

    def delete_inbox_entry(self, entry_id: str) -> bool:
        """See `Inbox.delete_inbox_entry`."""
        return self.store.inbox.delete_inbox_entry(entry_id)

    def get_inbox_entries(
        self,
        cli_source: str | None = None,
        is_valid: bool | None = None,
        valid_only: bool = False,
        quarantine_only: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[models.InboxEntry]:
        """See `Inbox.get_inbox_entries`."""
        return self.store.inbox.get_inbox_entries(cli_source, is_valid, valid_only, quarantine_only, limit, offset)

    def get_inbox_not_enriched(self, limit: int = 50) -> list[models.InboxEntry]:
        """See `Inbox.get_inbox_not_enriched`."""
        return self.store.inbox.get_inbox_not_enriched(limit)

    def get_inbox_stats(self) -> dict[str, Any]:
        """See `Inbox.get_inbox_stats`."""
        return self.store.inbox.get_inbox_stats()

    def mark_inbox_enriched(self, entry_id: str) -> bool:
        """See `Inbox.mark_inbox_enriched`."""
        return self.store.inbox.mark_inbox_enriched(entry_id)

    # staging

    def add_staging_entry(self, entry: models.StagingEntry) -> str:
        """See `Staging.add_staging_entry`."""
        return self.store.staging.add_staging_entry(entry)

    def get_staging_by_url(self, url: str) -> models.StagingEntry | None:
        """See `Staging.get_staging_by_url`."""
        return self.store.staging.get_staging_by_url(url)

    def get_staging_eligible_for_promotion(self, threshold: float) -> list[models.StagingEntry]:
        """See `Staging.get_staging_eligible_for_promotion`."""
        return self.store.staging.get_staging_eligible_for_promotion(threshold)

    def get_staging_entries(
        self, promoted: bool | None = None, content_type: str | None = None, limit: int = 100, offset: int = 0
    ) -> list[models.StagingEntry]:
        """See `Staging.get_staging_entries`."""
        return self.store.staging.get_staging_entries(promoted, content_type, limit, offset)

    def update_staging(self, entry: models.StagingEntry) -> bool:
        """See `Staging.update_staging`."""
        return self.store.staging.update_staging(entry)

    # connector imports

    def get_connector_import(self, connector: str) -> models.ConnectorImport | None:
        """See `ConnectorImports.get_connector_import`."""
        return self.store.connector_imports.get_connector_import(connector)

    def upsert_connector_import(self, info: models.ConnectorImport) -> None:
        """See `ConnectorImports.upsert_connector_import`."""
        self.store.connector_imports.upsert_connector_import(info)
