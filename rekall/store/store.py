"""A base, whole: its schema ensured, and one repository for each concept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rekall.infra.interfaces import DatabaseBackend
from rekall.store import opening
from rekall.store.contexts import Contexts
from rekall.store.entries import Entries
from rekall.store.links import Links
from rekall.store.metadata import Metadata
from rekall.store.search import Search
from rekall.store.session import Session

if TYPE_CHECKING:
    from rekall.store.maintenance import Maintenance


class Store:
    """The repositories of one open base.

    Args:
        backend: connected.
        path: the database file, for messages and for backups beside it.

    Raises:
        MigrationError: the schema can neither be used nor brought to the current version.
    """

    def __init__(self, backend: DatabaseBackend, path: Path) -> None:
        self.backup_made = opening.ensure_schema(backend, path)
        self.session = Session(backend, path)
        self.entries = Entries(self.session)
        self.search = Search(self.session)
        self.contexts = Contexts(self.session)
        self.links = Links(self.session, self.entries)
        self.metadata = Metadata(self.session)

    @property
    def maintenance(self) -> Maintenance:
        """Checks of the base, and the rebuilding of what can be rebuilt."""
        from rekall.store.maintenance import Maintenance  # a search never needs it

        return Maintenance(self.session)

    def schema_version(self) -> int:
        """The schema version that the file states."""
        return opening.read_state(self.session.backend).version
