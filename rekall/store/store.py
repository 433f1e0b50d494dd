"""A base, whole: its schema ensured, and one repository for each concept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rekall.infra.interfaces import CacheBackend, DatabaseBackend, Row
from rekall.store import opening
from rekall.store.contexts import Contexts
from rekall.store.entries import Entries
from rekall.store.links import Links
from rekall.store.metadata import Metadata
from rekall.store.search import Search
from rekall.store.session import AS_A_COMMAND, Session, SessionOptions

if TYPE_CHECKING:
    from rekall.models import Entry
    from rekall.store.connector_imports import ConnectorImports
    from rekall.store.embeddings import Embeddings
    from rekall.store.filters import Filters
    from rekall.store.inbox import Inbox
    from rekall.store.kept import Kept
    from rekall.store.maintenance import Maintenance
    from rekall.store.reviews import Reviews
    from rekall.store.sources.citations import Citations
    from rekall.store.sources.domains import KnownDomains
    from rekall.store.sources.lists import SourceLists
    from rekall.store.sources.promotions import Promotions
    from rekall.store.sources.records import Sources
    from rekall.store.sources.scores import Scores
    from rekall.store.sources.themes import Themes
    from rekall.store.spelling import Spelling
    from rekall.store.staging import Staging
    from rekall.store.suggestions import Suggestions
    from rekall.store.unembedded import Unembedded
    from rekall.store.vectors import Vectors


class OpenBase(Protocol):
    """What a domain function takes as `db`: a `rekall.db.Database`, which it may not import."""

    @property
    def store(self) -> Store:
        """The repositories of the open base."""

    @property
    def cache_backend(self) -> CacheBackend | None:
        """Where what was made of the base is kept for a while (`Store.kept`); None when nothing is to be kept."""


class Store:
    """The repositories of one open base; what a search does not need is loaded when it is first asked for.

    Args:
        backend: connected.
        path: the database file, for messages and for backups beside it.
        options: how the base is used.
        cache: gives the cache back end when something is to be kept; None: nothing is.

    Raises:
        MigrationError: the schema can neither be used nor brought to the current version.
    """

    def __init__(
        self,
        backend: DatabaseBackend,
        path: Path,
        options: SessionOptions = AS_A_COMMAND,
        cache: Callable[[], CacheBackend] | None = None,
    ) -> None:
        self.backup_made = opening.ensure_schema(backend, path)
        self.session = Session(backend, path, options, cache)
        self._marks: Row | None = None
        self.entries = Entries(self.session)
        self.search = Search(self.session)
        self.contexts = Contexts(self.session)
        self.links = Links(self.session, self.entries)
        self.metadata = Metadata(self.session)

    def ensure_schema(self) -> None:
        """Migrate again if it is of an older schema now: a restore may have brought one while it was open.

        Raises:
            MigrationError: see the class.
        """
        backend = self.session.backend
        marks = opening.schema_marks(backend)
        if marks is None or marks != self._marks:
            self.backup_made = opening.ensure_schema(backend, self.session.path) or self.backup_made
            self._marks = marks

    def is_ready(self) -> bool:
        """Whether who only reads can go ahead at once: the schema is as it was, and accesses can be counted.

        Contexts may wait to be indexed: a search sees by itself that they do.
        """
        if self.session.options.counting and not self.session.was_prepared:
            return False
        return opening.schema_marks(self.session.backend) == self._marks

    @property
    def kept(self) -> Kept:
        """What is kept of the base in the cache."""
        return self.session.kept

    @cached_property
    def reviews(self) -> Reviews:
        """Entries to go over again: due by their schedule, or long unused."""
        from rekall.store.reviews import Reviews

        return Reviews(self.session)

    @cached_property
    def spelling(self) -> Spelling:
        """Words that were probably meant."""
        from rekall.store.spelling import Spelling

        return Spelling(self.session)

    def matched_words(self, entries: Sequence[Entry], terms: Sequence[str]) -> dict[str, dict[str, list[str]]]:
        """The words that each of some hits was found by: see `rekall.store.explaining`."""
        from rekall.store.explaining import matched_words

        return matched_words(self.session, entries, terms)

    @cached_property
    def embeddings(self) -> Embeddings:
        """The vectors of entries."""
        from rekall.store.embeddings import Embeddings

        return Embeddings(self.session)

    @cached_property
    def vectors(self) -> Vectors:
        """Vectors compared with each other."""
        from rekall.store.vectors import Vectors

        return Vectors(self.session)

    @cached_property
    def unembedded(self) -> Unembedded:
        """Entries that lack a current vector."""
        from rekall.store.unembedded import Unembedded

        return Unembedded(self.session)

    @cached_property
    def suggestions(self) -> Suggestions:
        """Proposals to link or to generalize entries."""
        from rekall.store.suggestions import Suggestions

        return Suggestions(self.session)

    @cached_property
    def filters(self) -> Filters:
        """Searches of sources, saved under a name."""
        from rekall.store.filters import Filters

        return Filters(self.session)

    @cached_property
    def sources(self) -> Sources:
        """Sources: their records, their status and what enrichment proposed."""
        from rekall.store.sources.records import Sources

        return Sources(self.session)

    @cached_property
    def source_lists(self) -> SourceLists:
        """Selections of sources: by score, theme, tag, use and need of a check."""
        from rekall.store.sources.lists import SourceLists

        return SourceLists(self.session)

    @cached_property
    def themes(self) -> Themes:
        """The themes that sources have."""
        from rekall.store.sources.themes import Themes

        return Themes(self.session)

    @cached_property
    def known_domains(self) -> KnownDomains:
        """Domains whose role is known."""
        from rekall.store.sources.domains import KnownDomains

        return KnownDomains(self.session)

    @cached_property
    def promotions(self) -> Promotions:
        """The standing of sources: seeds, promoted ones, and their role."""
        from rekall.store.sources.promotions import Promotions

        return Promotions(self.session)

    @cached_property
    def citations(self) -> Citations:
        """Citations of sources by entries."""
        from rekall.store.sources.citations import Citations

        return Citations(self.session)

    @cached_property
    def scores(self) -> Scores:
        """The scores of sources."""
        from rekall.store.sources.scores import Scores

        return Scores(self.session)

    @cached_property
    def inbox(self) -> Inbox:
        """Addresses as they were captured."""
        from rekall.store.inbox import Inbox

        return Inbox(self.session)

    @cached_property
    def staging(self) -> Staging:
        """Pages on their way to becoming sources."""
        from rekall.store.staging import Staging

        return Staging(self.session)

    @cached_property
    def connector_imports(self) -> ConnectorImports:
        """How far the imports of connectors have come."""
        from rekall.store.connector_imports import ConnectorImports

        return ConnectorImports(self.session)

    @cached_property
    def maintenance(self) -> Maintenance:
        """Checks of the base, and the rebuilding of what can be rebuilt."""
        from rekall.store.maintenance import Maintenance

        return Maintenance(self.session)

    def schema_version(self) -> int:
        """The schema version that the file states."""
        return opening.read_state(self.session.backend).version
