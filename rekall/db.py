"""SHIM FACADE: `Database`, the class that programs written for Rekall 0.3 import.

It forwards. The SQL is in `rekall.store`, and the storage is whatever back end the container resolves for the path.
The modern names are the repositories: `db.entries`, `db.links`, `db.contexts`, `db.metadata`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from rekall.deprecation import warn_deprecated
from rekall.errors import ClosedError, NotSupportedError
from rekall.infra.container import ServiceContainer
from rekall.infra.interfaces import DatabaseBackend
from rekall.models import Entry, Link, SearchResult, StructuredContext
from rekall.store import Store
from rekall.store.context_codec import compress_context, decompress_context
from rekall.store.contexts import Contexts
from rekall.store.entries import Entries
from rekall.store.links import Links
from rekall.store.metadata import Metadata
from rekall.store.schema import CURRENT_SCHEMA_VERSION

if TYPE_CHECKING:
    from rekall.store.maintenance import Maintenance

__all__ = ["CURRENT_SCHEMA_VERSION", "Database", "compress_context", "decompress_context"]


class Database:
    """A knowledge base.

    Args:
        db_path: the database file. A registered or configured back end that has no files keeps the base instead.
        container: resolves the back end; the one of this process if left out.
    """

    def __init__(self, db_path: Path, *, container: ServiceContainer | None = None) -> None:
        self.db_path = Path(db_path)
        self._container = container
        self._backend: DatabaseBackend | None = None
        self._store: Store | None = None

    def init(self) -> None:
        """Open the base: create one where there is none, migrate an older one behind a backup; again: nothing.

        Raises:
            ConfigError: the configured back end cannot be used.
            DatabaseError: the base cannot be opened; the file is left as it was.
        """
        if self._store is not None:
            return
        container = self._container or ServiceContainer.get_instance()
        backend = container.database(self.db_path)
        try:
            self._store = Store(backend, self.db_path)
        except BaseException:
            container.release(backend)
            raise
        self._container, self._backend = container, backend

    def close(self) -> None:
        """Give the back end back; a second call does nothing."""
        backend, self._backend, self._store = self._backend, None, None
        if backend is not None and self._container is not None:
            self._container.release(backend)

    def __enter__(self) -> Database:
        self.init()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def store(self) -> Store:
        """The repositories of the open base.

        Raises:
            ClosedError: before `init` and after `close`.
        """
        if self._store is None:
            raise ClosedError(f"{self.db_path} is not open: call init() first")
        return self._store

    @property
    def conn(self) -> sqlite3.Connection | None:
        """The raw connection, None before `init` and after `close`. Deprecated.

        Raises:
            NotSupportedError: this back end has none.
        """
        warn_deprecated("Database.conn")
        if self._backend is None:
            return None
        connection = getattr(getattr(self._backend, "wrapped", None), "connection", None)
        if not isinstance(connection, sqlite3.Connection):
            raise NotSupportedError(
                "this database back end has no sqlite3 connection: use execute, fetch_one and fetch_all of its back end"
            )
        return connection

    @property
    def backup_made(self) -> Path | None:
        """The backup that `init` made before it migrated an older file, if it did."""
        return self.store.backup_made

    @property
    def entries(self) -> Entries:
        """Entries and their tags."""
        return self.store.entries

    @property
    def contexts(self) -> Contexts:
        """The contexts of entries."""
        return self.store.contexts

    @property
    def links(self) -> Links:
        """Links between entries."""
        return self.store.links

    @property
    def metadata(self) -> Metadata:
        """Facts about the base itself."""
        return self.store.metadata

    @property
    def maintenance(self) -> Maintenance:
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

    def update_all_centrality_scores(self) -> int:
        """See `Links.update_all_centrality_scores`."""
        return self.store.links.update_all_centrality_scores()

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
