"""A base of an older schema is migrated behind a backup, and the log says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from server_support.server import home_command, running
from support.databases import unpack


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_older_base_is_served(tmp_path: Path, workers: str) -> None:
    """One process migrates it, and names the backup, without the folder of the base."""
    path = unpack("v08.db", tmp_path)
    with running(tmp_path, "--database", str(path), "--workers", workers) as server:
        assert not server.call("rekall_info", {}).is_error
        assert server.stop() == 0
    (backup,) = path.parent.glob("backups/*_schema-8.db")
    told = [json.loads(line)["event"] for line in server.log if "schema" in line]
    assert told == [f"{path.name} now has schema 12; what it was is in backups/{backup.name}"]


def test_an_older_base_is_restored(tmp_path: Path) -> None:
    """As at the start."""
    older, path = unpack("v08.db", tmp_path), tmp_path / "base.db"
    with running(tmp_path, "--database", str(path)) as server:
        assert not server.call("rekall_info", {}).is_error
        home_command(tmp_path, "restore", str(older), "--yes", REKALL_DB_PATH=str(path))
        assert not server.call("rekall_info", {}).is_error
        assert server.stop() == 0
    assert len([line for line in server.log if "base.db now has schema 12; what it was is in " in line]) == 1
