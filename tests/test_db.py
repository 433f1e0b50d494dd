"""The facade `Database`: every method that 0.3's users call, forwarded to whatever back end is resolved."""

from __future__ import annotations

import inspect
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import raw
from support.counting import CountingBackend

from rekall import db as module
from rekall.db import CURRENT_SCHEMA_VERSION, Database, compress_context, decompress_context
from rekall.errors import ClosedError, ConfigError, NotSupportedError
from rekall.infra import ServiceContainer, register_backend
from rekall.models import Entry, StructuredContext

API: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "compat" / "python_api.json").read_text("utf-8"))
METHODS: dict[str, Any] = API["rekall.db"]["classes"]["Database"]["members"]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


@pytest.fixture
def counting(tmp_path: Path) -> CountingBackend:
    """A registered back end without a raw connection; the facade runs on it unchanged."""
    backend = CountingBackend(tmp_path / "elsewhere.db")
    register_backend("database", backend)
    return backend


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_the_signature_of_0_3(name: str) -> None:
    """Names, order and defaults of the parameters; what we add stands behind them and is keyword-only."""
    found = [
        parameter
        for parameter in inspect.signature(getattr(Database, name)).parameters.values()
        if parameter.name != "self"
    ]
    recorded = METHODS[name]["parameters"]
    ours = found[: len(recorded)]
    assert [parameter.name for parameter in ours] == [parameter["name"] for parameter in recorded]
    for parameter, known in zip(ours, recorded, strict=True):
        assert parameter.default == (inspect.Parameter.empty if known.get("required") else known["default"])
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    for added in found[len(recorded) :]:
        assert added.kind is inspect.Parameter.KEYWORD_ONLY
        assert added.default is not inspect.Parameter.empty


def test_the_module_keeps_its_public_names() -> None:
    """What 0.3's users import from `rekall.db`."""
    assert set(module.__all__) == {"CURRENT_SCHEMA_VERSION", "Database", "compress_context", "decompress_context"}
    assert CURRENT_SCHEMA_VERSION == 12
    assert decompress_context(compress_context("texte accentué")) == "texte accentué"


def test_the_facade_holds_no_sql() -> None:
    """It forwards: SQL is in `rekall.store` alone."""
    source = inspect.getsource(module)
    assert not any(word in source for word in ("SELECT ", "INSERT ", "UPDATE ", "DELETE "))


def use_every_method(db: Database) -> None:
    """One call of each method of this facade, with what it must answer."""
    context = StructuredContext("a situation", "a solution", ["keyword"])
    db.add(Entry("A", "first", "bug", tags=["x"]), context=context)
    db.add(Entry("B", "second", "pattern", project="p", memory_type="semantic"), context_text="free text")
    db.add(Entry("C", "third", "bug"))
    assert [entry.id for entry in db.list_all(entry_type="pattern", project="p", memory_type="semantic")] == ["B"]
    found = db.get("A")
    assert found is not None
    found.title = "first, changed"
    db.update(found)
    assert [hit.entry.id for hit in db.search("changed")] == ["A"]
    assert [hit.entry.id for hit in db.search("situation", update_access=False)] == ["A"]
    assert [hit.entry.id for hit in db.search('"free text"')] == ["B"]
    db.store_context("C", "another free text")
    assert db.get_context("C") == "another free text"
    assert db.get_contexts_for_verification(["B", "C", "none"]) == {"B": "free text", "C": "another free text"}
    assert db.get_context_sizes(["A", "B"]) == {"A": 0, "B": len(compress_context("free text"))}
    db.store_structured_context("C", context)
    assert db.get_structured_context("C") == context
    assert {entry.id for entry, _ in db.get_entries_with_structured_context()} == {"A", "C"}
    assert {entry.id for entry in db.search_by_keywords([" KEYWORD "])} == {"A", "C"}
    assert db.count_entries_without_context_blob() == 0
    assert db.migrate_to_compressed_context() == (0, 0)
    link = db.add_link("A", "B", "derived_from", "because")
    assert db.get_links("A") == [link]
    assert [(entry.id, one) for entry, one in db.get_related_entries("B")] == [("A", link)]
    assert (db.count_links("A"), db.count_links_by_direction("A")) == (1, (0, 1))
    assert db.calculate_centrality_score("A") == db.update_centrality_score("A") == 4.0
    assert db.update_all_centrality_scores() == 3
    assert "because" in db.render_graph_ascii("A")
    assert db.delete_link("A", "B") == 1
    db.set_metadata("key", "value")
    assert db.get_metadata("key") == "value"
    assert db.delete_metadata("key")
    assert db.is_first_weekly_call()
    db.update_weekly_check()
    assert not db.is_first_weekly_call()
    db.delete("B")
    assert db.get("B") is None
    assert db.get_schema_version() == 12
    assert db.maintenance.full_text_health().is_sound
    assert db.maintenance.integrity_problems() == []


def test_every_method_on_the_default_back_end(db: Database) -> None:
    """Each forwards and answers."""
    use_every_method(db)


def test_every_method_on_a_registered_back_end(counting: CountingBackend, tmp_path: Path) -> None:
    """The same calls, unchanged; the path that was given is not touched."""
    with Database(tmp_path / "ignored.db") as db:
        use_every_method(db)
        assert counting.calls["execute_batch"] > 10
    assert not (tmp_path / "ignored.db").exists()
    assert not counting.is_connected()


def test_a_back_end_selected_by_configuration(tmp_path: Path) -> None:
    """Registered under a name of its own it serves only a configuration that selects it; a class receives the path."""
    register_backend("counting", CountingBackend)
    with Database(tmp_path / "k.db") as db:
        db.set_metadata("a", "b")
    assert raw.rows(tmp_path / "k.db", "SELECT * FROM metadata") == [("a", "b")]


def test_before_init_and_after_close_every_call_says_so(tmp_path: Path) -> None:
    """One clear error that names the file and `init`."""
    db = Database(tmp_path / "k.db")
    for _ in range(2):
        with pytest.raises(ClosedError, match=r"k\.db is not open: call init"):
            db.list_all()
        with pytest.warns(DeprecationWarning, match="conn"):
            assert db.conn is None
        db.init()
        assert db.list_all() == []
        db.close()


def test_a_program_of_0_3_that_holds_the_raw_connection_goes_on(db: Database) -> None:
    """`Database.conn` warns, points at its caller, and is the sqlite3 connection of the base."""
    with pytest.warns(DeprecationWarning, match=r"Database\.conn") as warnings:
        connection = db.conn
    assert warnings[0].filename == __file__
    assert isinstance(connection, sqlite3.Connection)
    db.add(Entry("A", "title", "bug"))
    assert connection.execute("SELECT title FROM entries").fetchone()["title"] == "title"
    with connection:
        connection.execute("UPDATE entries SET title = 'changed'")
    assert [hit.entry.title for hit in db.search("changed")] == ["changed"]
    with pytest.raises(sqlite3.IntegrityError), connection:
        connection.execute("UPDATE entries SET title = 'lost'").connection.execute(
            "INSERT INTO entries(id) VALUES ('B')"
        )
    entry = db.get("A")
    assert entry is not None
    assert entry.title == "changed"


def test_a_transaction_left_open_on_the_raw_connection_is_kept(db: Database) -> None:
    """As in 0.3 the next write commits it: neither lost nor in the way."""
    with pytest.warns(DeprecationWarning, match="conn"):
        connection = db.conn
    assert connection is not None
    db.set_metadata("ready", "yes")
    connection.execute("INSERT INTO metadata(key, value) VALUES ('mine', 'open')")
    assert connection.in_transaction
    db.set_metadata("ours", "too")
    assert not connection.in_transaction
    assert sorted(raw.rows(db.db_path, "SELECT key FROM metadata")) == [("mine",), ("ours",), ("ready",)]


def test_a_back_end_without_a_raw_connection_says_what_to_use(counting: CountingBackend, tmp_path: Path) -> None:
    """The error names `execute`."""
    with (
        Database(tmp_path / "k.db") as db,
        pytest.warns(DeprecationWarning, match="conn"),
        pytest.raises(NotSupportedError, match="execute"),
    ):
        db.conn  # noqa: B018  # reading it is the test


def test_two_databases_on_one_path_share_a_connection_and_close_it_last(tmp_path: Path) -> None:
    """The container counts the users of a file."""
    first, second = Database(tmp_path / "k.db"), Database(tmp_path / "." / "k.db")
    first.init()
    second.init()
    first.add(Entry("A", "title", "bug"))
    first.close()
    assert second.get("A") is not None
    second.close()
    with Database(tmp_path / "other.db") as other:
        assert other.get("A") is None


def test_a_container_of_its_own(tmp_path: Path) -> None:
    """A program may resolve back ends apart from the rest of its process."""
    container = ServiceContainer()
    backend = CountingBackend(tmp_path / "counted.db")
    container.register("database", backend)
    with Database(tmp_path / "k.db", container=container) as db:
        db.set_metadata("a", "b")
    assert backend.calls["execute_batch"] > 0
    with Database(tmp_path / "k.db") as db:
        assert db.get_metadata("a") is None


def test_what_is_no_back_end_is_refused(tmp_path: Path) -> None:
    """Before any call is made to it."""
    container = ServiceContainer()
    container.register("database", lambda: object())
    with pytest.raises(ConfigError, match="DatabaseBackend"):
        Database(tmp_path / "k.db", container=container).init()
