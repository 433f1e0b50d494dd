"""The pooled back end keeps the contract of every database back end: by itself, and as Rekall gets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rekall import config
from rekall.infra.selection import select
from rekall.testing import DatabaseConformance
from rekall_server.backends.pooled_db import PooledDatabaseBackend


class TestPooled(DatabaseConformance):
    """As the server makes it, but for the time that it waits for others."""

    backend = PooledDatabaseBackend
    options = {"busy_timeout": 0.2}  # noqa: RUF012  # as an author writes it
    capabilities = ("backup", "persistent")


class TestOneConnection(DatabaseConformance):
    """With the smallest pool, for which all readers wait."""

    backend = PooledDatabaseBackend
    options = {"busy_timeout": 0.2, "pool_size": 1}  # noqa: RUF012  # as an author writes it
    capabilities = ("backup", "persistent")


class TestSelected(DatabaseConformance):
    """Found by its entry point, made from config.toml, with the retry layer around it."""

    backend = PooledDatabaseBackend
    capabilities = ("backup", "persistent")

    def make(self, folder: Path) -> Any:
        home = config.get_config().paths.config_dir
        home.mkdir(parents=True, exist_ok=True)
        (home / "config.toml").write_text(
            '[backends]\ndatabase = "pooled"\n[backends.database_options]\nbusy_timeout = 0.2\npool_size = 2\n', "utf-8"
        )
        config.reset_config()
        return select("database", config.get_config(), {}).wrapped(folder / "base" / "knowledge.db")

    def test_it_states_its_interface(self, tmp_path: Path) -> None:
        """What is around it is Rekall's own class; what is asked here is of the one inside."""
        assert type(self.made(tmp_path).wrapped) is PooledDatabaseBackend
