"""What one server process holds: its container, its base, its figures, and who may call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekall import config as configuration
from rekall.infra import CacheBackend, DatabaseBackend, ServiceContainer, Statement
from rekall_server import home
from rekall_server.bases import Bases
from rekall_server.binding import needs_token
from rekall_server.counting import CountingQueue
from rekall_server.metrics import Metrics
from rekall_server.token_verifier import DigestVerifier
from rekall_server.tokens import TokenFile

if TYPE_CHECKING:
    from rekall_server.settings import Settings


class Process:
    """Opened when the process starts, closed when it ends; what the probes look at (`probes.ServingState`).

    Args:
        settings: those in effect. Home's configuration with them becomes that of this process.

    Raises:
        RekallError: they cannot be used.

    Attributes:
        verifier: knows the tokens; None where there are none, and none is asked for.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config = home.apply(settings)
        configuration.set_config(self.config)
        self.metrics = Metrics()
        self.container = ServiceContainer(config=lambda: self.config, observer=self.metrics.observer)
        self.counts = CountingQueue(self._count)
        self.bases = Bases(self.container, self.counts.put, self.metrics.wait, self.metrics.observer)
        self.verifier = DigestVerifier(TokenFile(settings.token_file)) if needs_token(settings) else None

    @property
    def bypasses_cache(self) -> bool:
        """Whether calls are answered without the cache while it fails."""
        return self.config.cache_on_error == "bypass"

    @property
    def database_name(self) -> str:
        """The name by which the database back end was selected."""
        return self.config.database_backend

    @property
    def cache_name(self) -> str:
        """The name by which the cache back end was selected."""
        return self.config.cache_backend

    def database(self) -> DatabaseBackend:
        """The database back end in use, opened if it is not.

        Raises:
            RekallError: it cannot be.
        """
        return self.bases.open().store.session.backend

    def cache(self) -> CacheBackend:
        """The cache back end in use.

        Raises:
            RekallError: it cannot be made.
        """
        return self.container.cache()

    def start(self) -> None:
        """Open the base, so that a process which cannot serve does not begin to.

        Raises:
            RekallError: a back end cannot be opened.
        """
        self.bases.open()
        self.cache()

    def close(self) -> None:
        """Write the counts that wait, and give everything back."""
        self.counts.close()
        self.bases.close()
        close_cache = getattr(getattr(self.cache(), "wrapped", None), "close", None)
        self.container.close()
        if close_cache is not None:
            close_cache()

    def _count(self, statements: Sequence[Statement]) -> None:
        self.bases.write(statements)
