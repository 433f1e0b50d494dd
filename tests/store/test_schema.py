"""Schema 12: a fresh base is what `schema.json` says, and every older file becomes the same."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support import databases, raw

from rekall.db import CURRENT_SCHEMA_VERSION, Database
from rekall.store.schema import KNOWN_DOMAINS

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "compat" / "schema.json").read_text("utf-8"))
TABLES: dict[str, Any] = SCHEMA["tables"]

# one acceptable row of each table that has checks, and what must be there before it
_ENTRY = {"id": "A", "title": "t", "type": "bug", "created_at": "2025-01-01", "updated_at": "2025-01-01"}
_ROWS: dict[str, dict[str, Any]] = {
    "entries": _ENTRY,
    "links": {"id": "L", "source_id": "S", "target_id": "T", "relation_type": "related", "created_at": "2025"},
    "embeddings": {
        "id": "E",
        "entry_id": "S",
        "embedding_type": "summary",
        "vector": b"",
        "dimensions": 384,
        "model_name": "m",
        "created_at": "2025",
    },
    "suggestions": {"id": "G", "suggestion_type": "link", "entry_ids": "[]", "score": 0.5, "created_at": "2025"},
    "sources": {"id": "R", "domain": "d", "created_at": "2025"},
    "entry_sources": {"id": "X", "entry_id": "S", "source_type": "url", "source_ref": "u", "created_at": "2025"},
    "known_domains": {"domain": "d", "role": "hub", "created_at": "2025"},
}


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    path = tmp_path / "fresh.db"
    with Database(path):
        pass
    return path


@pytest.fixture(params=databases.NAMES)
def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = databases.unpack(request.param, tmp_path)
    with Database(path):
        pass
    return path


def columns(path: Path, table: str) -> list[dict[str, Any]]:
    found = raw.rows(path, f"PRAGMA table_info({table})")
    return [
        {"name": name, "type": kind, "notnull": bool(notnull), "default": default, "pk": pk}
        for _, name, kind, notnull, default, pk in found
    ]


def by_name(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(listed, key=lambda one: str(one["name"]))


def foreign_keys(path: Path, table: str) -> list[dict[str, Any]]:
    found = raw.rows(path, f"PRAGMA foreign_key_list({table})")
    keys = [
        {"column": row[3], "references": f"{row[2]}({row[4]})", "on_update": row[5], "on_delete": row[6]}
        for row in found
    ]
    return sorted(keys, key=lambda one: str(one["column"]))


def indexes(path: Path, table: str) -> list[dict[str, Any]]:
    listed = []
    for _, name, unique, origin, partial in raw.rows(path, f"PRAGMA index_list({table})"):
        if origin == "c" and not name.startswith("rekall_"):
            parts = [row for row in raw.rows(path, f"PRAGMA index_xinfo({name})") if row[5]]
            listed.append(
                {
                    "name": name,
                    "columns": [part[2] for part in parts],
                    "descending": [part[2] for part in parts if part[3]],
                    "unique": bool(unique),
                    "partial": bool(partial),
                }
            )
    return by_name(listed)


def unique_sets(path: Path, table: str) -> list[list[str]]:
    return sorted(
        [row[2] for row in raw.rows(path, f"PRAGMA index_info({name})")]
        for _, name, _, origin, _ in raw.rows(path, f"PRAGMA index_list({table})")
        if origin == "u"
    )


def tables(path: Path) -> set[str]:
    names = {name for (name,) in raw.rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {name for name in names if not name.startswith(("sqlite_", "rekall_", "entries_fts"))}


@pytest.mark.parametrize("table", TABLES)
def test_a_fresh_table_is_as_recorded(fresh: Path, table: str) -> None:
    """Columns in order with types, defaults and keys; foreign keys with their actions; indexes with their direction."""
    recorded = TABLES[table]
    assert columns(fresh, table) == recorded["columns"]
    assert foreign_keys(fresh, table) == sorted(recorded["foreign_keys"], key=lambda one: str(one["column"]))
    assert indexes(fresh, table) == by_name(recorded["indexes"])
    assert unique_sets(fresh, table) == sorted(recorded["unique"])


def test_a_fresh_base_has_the_recorded_tables_and_no_others(fresh: Path) -> None:
    """Nothing but `rekall_*` objects is added to the schema that 0.3 knows."""
    assert tables(fresh) == set(TABLES)
    assert raw.user_version(fresh) == CURRENT_SCHEMA_VERSION == SCHEMA["schema_version"] == 12
    added = {
        name
        for (name,) in raw.rows(fresh, "SELECT name FROM sqlite_master")
        if not name.startswith(("sqlite_", "entries_fts", "rekall_"))
    }
    known = {index["name"] for table in TABLES.values() for index in table["indexes"]}
    assert added == set(TABLES) | known | set(SCHEMA["triggers"]) - {"not_covered"}


def test_every_migrated_file_has_the_recorded_schema(migrated: Path) -> None:
    """Column order aside (added columns stand last), an old file ends as a fresh one begins."""
    assert tables(migrated) == set(TABLES)
    assert raw.user_version(migrated) == 12
    for table, recorded in TABLES.items():
        assert by_name(columns(migrated, table)) == by_name(recorded["columns"]), table
        assert foreign_keys(migrated, table) == sorted(recorded["foreign_keys"], key=lambda one: str(one["column"]))
        assert indexes(migrated, table) == by_name(recorded["indexes"]), table
        assert unique_sets(migrated, table) == sorted(recorded["unique"]), table


def test_the_full_text_table_is_as_recorded(fresh: Path, migrated: Path) -> None:
    """Same columns, the id unindexed, and the same tokenizer: what 0.3 writes and reads."""
    recorded = SCHEMA["fts5_tables"]["entries_fts"]
    for path in (fresh, migrated):
        ((sql,),) = raw.rows(path, "SELECT sql FROM sqlite_master WHERE name = 'entries_fts'")
        definition = " ".join(sql.split())
        assert "fts5" in definition
        assert recorded["tokenize"] in definition
        assert [column["name"] for column in columns(path, "entries_fts")] == [c["name"] for c in recorded["columns"]]
        assert "id UNINDEXED" in definition
        assert definition.count("UNINDEXED") == 1


def test_triggers_carry_the_recorded_names(fresh: Path, migrated: Path) -> None:
    """0.3's `CREATE TRIGGER IF NOT EXISTS` must find its names taken."""
    for path in (fresh, migrated):
        names = {name for (name,) in raw.rows(path, "SELECT name FROM sqlite_master WHERE type = 'trigger'")}
        assert {"entries_ai", "entries_ad", "entries_au"} <= names
        assert all(name.startswith(("entries_a", "rekall_")) for name in names)


def test_known_domains_are_seeded_once(fresh: Path) -> None:
    """The 25 domains of schema 9, by role, with a UTC time and a label."""
    recorded = {(row["domain"], row["role"]) for row in SCHEMA["versions"]["9"]["seed_rows"]["known_domains"]}
    found = raw.rows(fresh, "SELECT domain, role, notes, created_at FROM known_domains")
    assert {row[:2] for row in found} == recorded
    assert len(found) == len(recorded) == sum(map(len, KNOWN_DOMAINS.values()))
    assert all(notes and len(created) == len("2025-01-01 00:00:00") for _, _, notes, created in found)


@pytest.mark.parametrize(
    ("table", "check"), [(table, check) for table in TABLES for check in TABLES[table]["checks"]], ids=str
)
def test_checks_refuse_what_they_refuse(fresh: Path, table: str, check: dict[str, Any]) -> None:
    """Each recorded CHECK accepts its values and refuses one beside them."""
    row = _ROWS[table]
    with raw.connection(fresh) as connection:
        for entry_id in ("S", "T"):
            insert(connection, "entries", {**_ENTRY, "id": entry_id})
        if "column" not in check:
            with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
                insert(connection, table, {**row, "target_id": row["source_id"]})
            return
        column = check["column"]
        good = check.get("one_of") or [check["between"][0], check["between"][1]]
        bad = ["something else"] if "one_of" in check else [check["between"][0] - 0.1, check["between"][1] + 0.1]
        for number, value in enumerate(good):
            insert(connection, table, {**row, column: value, next(iter(row)): f"good{number}"} | {column: value})
            connection.execute(f"DELETE FROM {table} WHERE {next(iter(row))} = ?", (f"good{number}",))
        for value in bad:
            with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
                insert(connection, table, {**row, column: value})


def insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    places = ", ".join(f":{column}" for column in row)
    connection.execute(f"INSERT INTO {table}({', '.join(row)}) VALUES ({places})", row)
