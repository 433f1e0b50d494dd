"""How far the imports of connectors have come."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import databases, raw

from rekall.db import Database
from rekall.errors import CorruptError
from rekall.models import ConnectorImport

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
STATES = st.builds(
    ConnectorImport,
    connector=st.sampled_from(["claude", "cursor"]),
    last_import=st.none() | st.datetimes(),
    last_file_marker=st.none() | TEXTS,
    entries_imported=st.integers(0, 2**31),
    errors_count=st.integers(0, 2**31),
)


def test_what_0_3_wrote_is_read_whole(tmp_path: Path) -> None:
    """Every value, from every schema that has the table."""
    for name in ("v11.db", "v12.db", "v12-centrality-only.db", "v12-enrichment-only.db"):
        with Database(databases.unpack(name, tmp_path)) as db:
            for wanted in databases.opened("v12.db")["connector_imports"]:
                found = db.get_connector_import(wanted["connector"])
                assert found is not None
                row = dataclasses.asdict(found)
                row["last_import"] = row["last_import"].isoformat()
                assert row == wanted
            assert db.get_connector_import("none") is None


@settings(deadline=None, max_examples=40)
@given(st.lists(STATES, min_size=1, max_size=4))
def test_the_last_state_of_each_connector_stands(
    tmp_path_factory: pytest.TempPathFactory, states: list[ConnectorImport]
) -> None:
    """Whatever was noted before, and apart from the other connectors."""
    with Database(tmp_path_factory.getbasetemp() / "any-import.db") as db:
        for state in states:
            db.upsert_connector_import(state)
        for connector, state in {state.connector: state for state in states}.items():
            assert db.get_connector_import(connector) == state
    assert raw.rows(db.db_path, "SELECT count(*) FROM connector_imports WHERE connector NOT LIKE 'c%'") == [(0,)]


def test_a_time_with_a_zone_is_stored_local(tmp_path: Path) -> None:
    """0.3 cannot read a stored offset."""
    moment = datetime(2025, 12, 1, 10, tzinfo=timezone(timedelta(hours=9)))
    with Database(tmp_path / "k.db") as db:
        db.upsert_connector_import(ConnectorImport("claude", moment))
        local = moment.astimezone().replace(tzinfo=None)
        assert raw.rows(db.db_path, "SELECT last_import FROM connector_imports") == [(local.isoformat(),)]


def test_a_value_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The connector and what is wrong."""
    with Database(tmp_path / "k.db") as db:
        raw.write(db.db_path, "INSERT INTO connector_imports(connector, last_import) VALUES ('claude', 'soon')")
        with pytest.raises(CorruptError, match=r"ConnectorImport claude cannot be read .*soon"):
            db.get_connector_import("claude")
