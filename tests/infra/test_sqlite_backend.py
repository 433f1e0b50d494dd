"""The SQLite back end keeps the contract of `DatabaseBackend`: values, batches, guards, threads, closing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import raw

from rekall import errors
from rekall.infra import DefaultDatabaseBackend, Result, Statement
from rekall.infra.interfaces import refuse_transaction_control


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
def backend(path: Path) -> Iterator[DefaultDatabaseBackend]:
    """Open, with a table `t` that has a primary key and a table `child` that refers to it."""
    opened = DefaultDatabaseBackend(path, busy_timeout=0.05)
    opened.connect()
    opened.execute_batch(
        [
            Statement("CREATE TABLE t (id INTEGER PRIMARY KEY, value)"),
            Statement("CREATE TABLE child (t_id INTEGER NOT NULL REFERENCES t(id))"),
        ]
    )
    yield opened
    opened.close()


def _values(backend: DefaultDatabaseBackend) -> list[Any]:
    return [row["value"] for row in backend.fetch_all("SELECT value FROM t ORDER BY id")]


# values


@pytest.mark.parametrize(
    "value",
    [
        "",
        "text",
        "unicode: é ß 漢字 🙂 \u202e",
        "NUL \x00 inside",
        "line\r\nline",
        0,
        -1,
        2**63 - 1,
        -(2**63),
        0.1,
        -0.0,
        1e308,
        b"",
        b"\x00\xff",
        None,
    ],
    ids=repr,
)
def test_values_come_back_as_they_went(backend: DefaultDatabaseBackend, value: Any) -> None:
    """TEXT, 64-bit INTEGER, REAL, BLOB and NULL, by position and by name."""
    backend.execute("INSERT INTO t (value) VALUES (?)", (value,))
    backend.execute_batch([Statement("INSERT INTO t (value) VALUES (:value)", {"value": value})])
    assert [(type(each), each) for each in _values(backend)] == [(type(value), value)] * 2
    assert backend.fetch_one("SELECT count(*) AS n FROM t WHERE value IS ?", (value,)) == {"n": 2}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("\ud800", "a text is not UTF-8 (position 0): convert it first"),
        (2**63, "a number is larger than 64 bits: give a smaller one"),
    ],
)
def test_a_value_that_cannot_be_stored_is_named(backend: DefaultDatabaseBackend, value: Any, message: str) -> None:
    """In reads, writes and batches; nothing of the batch is kept."""
    insert = "INSERT INTO t (value) VALUES (?)"
    for call in (
        lambda: backend.fetch_all("SELECT ?", (value,)),
        lambda: backend.fetch_one("SELECT ?", (value,)),
        lambda: backend.execute(insert, (value,)),
        lambda: backend.execute_batch([Statement(insert, ("kept?",)), Statement(insert, (value,))]),
    ):
        with pytest.raises(errors.InvalidValueError) as caught:
            call()
        assert str(caught.value) == message
        assert isinstance(caught.value.__cause__, (UnicodeEncodeError, OverflowError))
    assert _values(backend) == []


def test_rows_are_dicts_and_absence_is_told(backend: DefaultDatabaseBackend) -> None:
    """No row is None from `fetch_one` and an empty list from `fetch_all`."""
    assert backend.fetch_one("SELECT value FROM t") is None
    assert backend.fetch_all("SELECT value FROM t") == []
    backend.execute_batch([Statement("INSERT INTO t VALUES (?, ?)", (n, str(n))) for n in (1, 2)])
    assert backend.fetch_one("SELECT id, value AS v FROM t ORDER BY id") == {"id": 1, "v": "1"}
    assert backend.fetch_all("SELECT id FROM t ORDER BY id DESC") == [{"id": 2}, {"id": 1}]


def test_a_write_tells_what_it_changed(backend: DefaultDatabaseBackend) -> None:
    """Rows changed, and the row id of an INSERT; 0 rows for what changes none."""
    assert backend.execute("INSERT INTO t VALUES (41, 'x')") == Result(1, 41)
    assert backend.execute("UPDATE t SET value = 'y'").rowcount == 1
    assert backend.execute("DELETE FROM t WHERE id = 99").rowcount == 0
    assert backend.execute("CREATE INDEX i ON t(value)").rowcount == 0
    assert backend.execute_batch([Statement("INSERT INTO t (value) VALUES (?)", (n,)) for n in range(3)]) == 3
    assert backend.execute_batch([]) == 0


def test_a_read_that_writes_is_refused_and_undone(backend: DefaultDatabaseBackend, path: Path) -> None:
    """Otherwise it would hold the write lock, uncommitted, until somebody else writes."""
    for query in ("INSERT INTO t (value) VALUES ('x') RETURNING id", "DELETE FROM t", "INSERT INTO missing VALUES (1)"):
        for read in (backend.fetch_one, backend.fetch_all):
            with pytest.raises(errors.QueryError):
                read(query)
    with closing(sqlite3.connect(path, timeout=0)) as other:
        other.execute("INSERT INTO t (value) VALUES ('other')")
        other.commit()
    assert _values(backend) == ["other"]


# batches and guards


def test_a_batch_is_all_or_nothing(backend: DefaultDatabaseBackend) -> None:
    """A failing last statement undoes the first, DDL included."""
    with pytest.raises(errors.QueryError, match="no such table"):
        backend.execute_batch(
            [
                Statement("INSERT INTO t (value) VALUES (1)"),
                Statement("CREATE TABLE other (x)"),
                Statement("INSERT INTO missing VALUES (1)"),
            ]
        )
    assert _values(backend) == []
    assert backend.fetch_one("SELECT name FROM sqlite_master WHERE name = 'other'") is None


@pytest.mark.parametrize(("expect", "changed"), [(1, 0), (0, 2), (3, 2)])
def test_a_guard_that_fails_undoes_the_batch(backend: DefaultDatabaseBackend, expect: int, changed: int) -> None:
    """The error says which statement, what it changed and what it had to."""
    backend.execute_batch([Statement("INSERT INTO t (value) VALUES (?)", (n,)) for n in (7, 7)])
    with pytest.raises(errors.GuardFailed) as caught:
        backend.execute_batch(
            [
                Statement("INSERT INTO t (value) VALUES ('undone')", expect=1),
                Statement("UPDATE t SET value = 8 WHERE value = ?", (7 if changed else 0,), expect=expect),
                Statement("INSERT INTO t (value) VALUES ('never')"),
            ]
        )
    assert (caught.value.index, caught.value.changed, caught.value.expected) == (1, changed, expect)
    assert caught.value.__cause__ is None
    assert _values(backend) == [7, 7]


def test_guards_that_hold_let_the_batch_through(backend: DefaultDatabaseBackend) -> None:
    """Also one that expects nothing to change."""
    total = backend.execute_batch(
        [
            Statement("INSERT INTO t (value) VALUES (1)", expect=1),
            Statement("UPDATE t SET value = 2 WHERE value = 9", expect=0),
        ]
    )
    assert (total, _values(backend)) == (1, [1])


def test_what_the_maker_of_statements_raises_passes_as_it_is(backend: DefaultDatabaseBackend) -> None:
    """An error of an import file is not one of the database; the batch is undone all the same."""

    class BadLineError(ValueError):
        pass

    for error in (
        BadLineError("bad line"),
        FileNotFoundError("import.json"),
        sqlite3.OperationalError("another database"),
    ):

        def statements(error: Exception = error) -> Iterator[Statement]:
            yield Statement("INSERT INTO t (value) VALUES (1)")
            raise error

        with pytest.raises(type(error)) as caught:
            backend.execute_batch(statements())
        assert caught.value is error
    assert _values(backend) == []


def test_a_streamed_batch_is_not_held_in_memory(backend: DefaultDatabaseBackend) -> None:
    """100,000 statements take less than 10 MB."""
    import tracemalloc

    tracemalloc.start()
    try:
        backend.execute_batch(Statement("INSERT INTO t (value) VALUES (zeroblob(?))", (n % 2,)) for n in range(100_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert backend.fetch_one("SELECT count(*) AS n FROM t") == {"n": 100_000}
    assert peak < 10_000_000


def test_foreign_keys_are_on(backend: DefaultDatabaseBackend) -> None:
    """A child without its parent is refused, with the driver's error as the cause."""
    with pytest.raises(errors.IntegrityError, match="FOREIGN KEY") as caught:
        backend.execute("INSERT INTO child VALUES (1)")
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


# transaction control

REFUSED = [
    "BEGIN",
    "begin immediate",
    "Commit",
    "END",
    "end transaction",
    "ROLLBACK",
    "ROLLBACK TO a",
    "SAVEPOINT a",
    "release a",
    "  \n\tBEGIN",
    "; ;BEGIN",
    "-- comment\nBEGIN",
    "-- one\n-- two\r\n ; COMMIT",
    "/* comment */ BEGIN",
    "/* a * b ** c */ /**/ ROLLBACK",
    "/* many\nlines */-- and\nSAVEPOINT x",
    "\ufeffBEGIN",
    "BEGIN;",
    "COMMIT/* comment */",
]
ALLOWED = [
    "SELECT 1",
    "SELECT '; BEGIN'",
    "/* x */ SELECT '*/ BEGIN'",
    "-- BEGIN\nSELECT 1",
    "/* BEGIN */ SELECT 1",
    "SELECT 1 AS begin_",
    "WITH begins AS (SELECT 1) SELECT * FROM begins",
]


@pytest.mark.parametrize("sql", REFUSED, ids=repr)
def test_transaction_control_is_refused_however_it_is_spelt(backend: DefaultDatabaseBackend, sql: str) -> None:
    """By every method, and a batch that holds it is undone."""
    for call in (
        lambda: backend.execute(sql),
        lambda: backend.fetch_one(sql),
        lambda: backend.fetch_all(sql),
        lambda: backend.execute_batch([Statement("INSERT INTO t (value) VALUES (1)"), Statement(sql)]),
    ):
        with pytest.raises(errors.QueryError, match="transaction control is refused"):
            call()
    assert backend.connection is not None
    assert not backend.connection.in_transaction
    assert _values(backend) == []


@pytest.mark.parametrize("sql", ALLOWED, ids=repr)
def test_words_of_transaction_control_elsewhere_are_no_matter(backend: DefaultDatabaseBackend, sql: str) -> None:
    """In text, comments and names."""
    backend.fetch_all(sql)
    backend.execute(sql)


def test_a_trigger_has_a_begin_and_an_end(backend: DefaultDatabaseBackend) -> None:
    """CREATE TRIGGER passes, and works."""
    trigger = "CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET value = 'seen' WHERE id = new.id; END"
    backend.execute_batch([Statement(trigger), Statement("INSERT INTO t (value) VALUES (1)")])
    assert _values(backend) == ["seen"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["/**/", "/*", "--\n", " ;", "/* * ** */", "*/"])
def test_looking_for_transaction_control_takes_linear_time(piece: str) -> None:
    """No statement, however odd, stalls the search for its first word."""
    refuse_transaction_control(piece * 20_000 + "X")


def test_two_statements_in_one_call_are_refused(backend: DefaultDatabaseBackend) -> None:
    """The second could be transaction control."""
    for call in (backend.execute, backend.fetch_all):
        with pytest.raises(errors.QueryError):
            call("DELETE FROM t; COMMIT")


def test_a_statement_with_a_nul_is_an_error_of_the_query(backend: DefaultDatabaseBackend) -> None:
    """The driver says so with errors of several classes, depending on the version of Python."""
    with pytest.raises(errors.QueryError):
        backend.fetch_all("SELECT 1 \x00")


# the raw connection


def test_a_transaction_left_open_through_the_raw_connection_is_committed_by_the_next_write(path: Path) -> None:
    """As in 0.3; also when that write is the first of its session and switches on write-ahead logging."""
    with raw.connection(path) as driver:
        driver.execute("CREATE TABLE t (value)")
    backend = DefaultDatabaseBackend(path)
    backend.connect()
    assert backend.connection is not None
    backend.connection.execute("INSERT INTO t VALUES ('left open')")
    backend.execute("INSERT INTO t VALUES ('next')")
    backend.connection.execute("INSERT INTO t VALUES ('open again')")
    assert len(backend.fetch_all("SELECT value FROM t")) == 3
    backend.execute_batch([Statement("INSERT INTO t VALUES ('last')")])
    with raw.connection(path) as driver:
        seen = [value for (value,) in driver.execute("SELECT value FROM t ORDER BY rowid")]
    assert seen == ["left open", "next", "open again", "last"]
    backend.close()


# opening and closing


def test_connect_and_close_may_be_called_again(path: Path) -> None:
    """`is_connected` follows, and a closed back end can be connected anew."""
    backend = DefaultDatabaseBackend(path)
    assert not backend.is_connected()
    backend.close()
    for _ in range(2):
        backend.connect()
        first = backend.connection
        backend.connect()
        assert backend.connection is first
        assert backend.is_connected()
        backend.close()
        backend.close()
        assert not backend.is_connected()
        assert backend.connection is None


@pytest.mark.parametrize("closed", [False, True], ids=["before connect", "after close"])
def test_use_without_a_connection_is_an_error_of_its_own(closed: bool, path: Path, tmp_path: Path) -> None:
    """`ClosedError`, which is also the driver's ProgrammingError, from every method."""
    backend = DefaultDatabaseBackend(path)
    if closed:
        backend.connect()
        backend.close()
    for call in (
        lambda: backend.execute("SELECT 1"),
        lambda: backend.execute_batch([]),
        lambda: backend.fetch_one("SELECT 1"),
        lambda: backend.fetch_all("SELECT 1"),
        lambda: backend.backup(tmp_path / "copy.db"),
    ):
        with pytest.raises(errors.ClosedError, match=r"the database is closed: call connect") as caught:
            call()
        assert isinstance(caught.value, sqlite3.ProgrammingError)


def test_without_a_path_all_is_kept_in_memory() -> None:
    """As in 0.3."""
    backend = DefaultDatabaseBackend()
    backend.connect()
    backend.execute_batch([Statement("CREATE TABLE t (a)"), Statement("INSERT INTO t VALUES (1)")])
    assert backend.fetch_all("SELECT a FROM t") == [{"a": 1}]
    backend.close()


@pytest.mark.parametrize("seconds", [-1, 11, float("nan")])
def test_a_busy_timeout_out_of_range_is_refused(seconds: float, path: Path) -> None:
    """Longer than the retry's own deadline makes no sense."""
    with pytest.raises(errors.ConfigError, match="busy_timeout"):
        DefaultDatabaseBackend(path, busy_timeout=seconds)


def test_a_backup_holds_what_the_log_still_holds(backend: DefaultDatabaseBackend, tmp_path: Path) -> None:
    """Rows that were written and not yet checkpointed are in the copy."""
    backend.execute_batch([Statement("INSERT INTO t (value) VALUES (?)", (n,)) for n in range(10)])
    assert (tmp_path / "a.db-wal").stat().st_size > 0
    backend.backup(tmp_path / "copy.db")
    with raw.connection(tmp_path / "copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM t").fetchone() == (10,)


# threads


def test_eight_threads_write_and_read_at_once_and_lose_nothing(backend: DefaultDatabaseBackend) -> None:
    """Each batch of a thread is there whole, whatever the others do."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(8)

    def work(thread: int) -> None:
        try:
            barrier.wait()
            for n in range(50):
                value = f"{thread}-{n}"
                if n % 2:
                    backend.execute("INSERT INTO t (value) VALUES (?)", (value,))
                else:
                    backend.execute_batch([Statement("INSERT INTO t (value) VALUES (?)", (value,))])
                assert backend.fetch_one("SELECT value FROM t WHERE value = ?", (value,)) == {"value": value}
                assert len(backend.fetch_all("SELECT value FROM t")) > 0
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(_values(backend)) == sorted(f"{thread}-{n}" for thread in range(8) for n in range(50))
