"""What one server process holds: its container, its base, its figures, and who may call."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import structlog

from rekall import config as configuration
from rekall.config import Config
from rekall.errors import RekallError
from rekall.infra import CacheBackend, DatabaseBackend, ServiceContainer
from rekall.mcp.base import Access, ConfiguredBase
from rekall_server import home, logs
from rekall_server.bases import Bases
from rekall_server.binding import needs_token
from rekall_server.counting import CountingQueue
from rekall_server.metrics import Metrics
from rekall_server.token_verifier import DigestVerifier
from rekall_server.tokens import TokenFile

if TYPE_CHECKING:
    from rekall_server.settings import Settings

logger = structlog.get_logger(__name__)


def prepare(settings: Settings) -> None:
    """Make the base where there is none, or bring it to the current schema: once, before any process serves it.

    Args:
        settings: those in effect. Home's configuration with them becomes that of this process.

    Raises:
        RekallError: it cannot be opened.
    """
    config = home.apply(settings)
    configuration.set_config(config)
    configure_log(settings, config)
    with closing(ServiceContainer(config=lambda: config)) as container, closing(ConfiguredBase(container)) as base:
        base.open()


def configure_log(settings: Settings, config: Config) -> None:
    """Let this process log as the settings say, without the places of its files.

    Args:
        settings: those in effect.
        config: Home's configuration with them.
    """
    logs.configure(settings, paths=[config.db_path, config.config_dir, settings.token_file])


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
        """Open the base before the first call; where that fails every call tries it again.

        All was well a moment ago, when the server started, or it is a worker that takes the place of one that died: one
        that ended as well would end the server.
        """
        try:
            self.bases.open()
        except RekallError as error:
            logger.error("server.not_ready", error=type(error).__name__, text=str(error))

    def close(self) -> None:
        """Write the counts that wait, and give everything back."""
        self.counts.close()
        self.bases.close()
        self.container.close()

    def _count(self, accesses: Sequence[Access]) -> None:
        self.bases.count(accesses)
