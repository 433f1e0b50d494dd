"""Each error of the driver becomes the right one of ours, decided on SQLite's result code and never on the class."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from rekall import errors
from rekall.infra.sqlite_errors import error_code, translate, translated

PATH = Path("/somewhere/knowledge.db")

# SQLite's fixed text of a result code: all that Python 3.10 hands on
BY_TEXT: dict[str, tuple[int, type[Exception]]] = {
    "database is locked": (5, errors.DatabaseBusyError),
    "database table is locked": (6, errors.DatabaseBusyError),
    "database table is locked: entries": (6, errors.DatabaseBusyError),
    "database schema is locked: main": (6, errors.DatabaseBusyError),
    "attempt to write a readonly database": (8, errors.ReadOnlyError),
    "disk I/O error": (10, errors.CannotOpenError),
    "database disk image is malformed": (11, errors.CorruptError),
    "database or disk is full": (13, errors.DiskFullError),
    "unable to open database file": (14, errors.CannotOpenError),
    "access permission denied": (3, errors.CannotOpenError),
    "authorization denied": (23, errors.CannotOpenError),
    "file is not a database": (26, errors.CorruptError),
}


@pytest.mark.parametrize("text", BY_TEXT)
def test_without_a_result_code_the_fixed_text_decides(text: str) -> None:
    """Python 3.10 has no `sqlite_errorcode`; an error made by hand has none on any version."""
    error = sqlite3.OperationalError(text)
    assert not hasattr(error, "sqlite_errorcode")
    code, translation = BY_TEXT[text]
    assert error_code(error) == code
    assert type(translate(error, PATH)) is translation


@pytest.mark.parametrize("text", ['near "locked": syntax error', "no such table: database is locked", "table is full"])
def test_a_word_that_only_occurs_in_a_text_decides_nothing(text: str) -> None:
    """What a user named is not what SQLite said: the statement is wrong, and is not tried again."""
    error = sqlite3.OperationalError(text)
    assert error_code(error) is None
    translation = translate(error, PATH)
    assert type(translation) is errors.QueryError
    assert not isinstance(translation, errors.TransientError)


def test_the_result_code_outranks_the_text() -> None:
    """An extended code counts as its primary one: BUSY_SNAPSHOT is busy, whatever the text."""

    class WithCode(sqlite3.OperationalError):
        sqlite_errorcode = 5 | (2 << 8)

    error = WithCode("attempt to write a readonly database")
    assert error_code(error) == 5
    assert type(translate(error, PATH)) is errors.DatabaseBusyError


@pytest.mark.parametrize(
    ("error", "translation"),
    [
        (sqlite3.IntegrityError("UNIQUE constraint failed: entries.id"), errors.IntegrityError),
        (sqlite3.OperationalError('near "SELEC": syntax error'), errors.QueryError),
        (sqlite3.ProgrammingError("Incorrect number of bindings supplied"), errors.QueryError),
        (sqlite3.InterfaceError("Error binding parameter 0 - probably unsupported type."), errors.QueryError),
        (sqlite3.Warning("You can only execute one statement at a time."), errors.QueryError),
        (ValueError("the query contains a null character"), errors.QueryError),
        (sqlite3.DataError("string or blob too big"), errors.DatabaseError),
        (OverflowError("Python int too large to convert to SQLite INTEGER"), errors.InvalidValueError),
    ],
)
def test_every_class_of_the_driver_has_a_translation(error: Exception, translation: type[Exception]) -> None:
    """Nothing of the driver leaves a back end untranslated."""
    assert type(translate(error, PATH)) is translation


@pytest.mark.parametrize("path", [PATH, None])
def test_a_closed_connection_is_a_closed_database(path: Path | None) -> None:
    """Whatever is asked of it; the driver has no result code for it. A closed cursor is another mistake."""
    connection = sqlite3.connect(":memory:")
    cursor = connection.cursor()
    connection.close()
    calls: list[Callable[[], object]] = [
        lambda: connection.execute("SELECT 1"),
        lambda: cursor.execute("SELECT 1"),
        connection.commit,
        connection.rollback,
        connection.cursor,
        lambda: connection.total_changes,
    ]
    for call in calls:
        with pytest.raises(errors.ClosedError, match="is closed: call connect first") as caught, translated(path):
            call()
        assert isinstance(caught.value.__cause__, sqlite3.ProgrammingError)
    other = sqlite3.connect(":memory:")
    cursor = other.cursor()
    cursor.close()
    with pytest.raises(errors.QueryError), translated(path):
        cursor.execute("SELECT 1")
    other.close()


@pytest.mark.parametrize(("text", "expected"), BY_TEXT.items())
def test_a_message_names_the_file_and_what_to_do(text: str, expected: tuple[int, type[Exception]]) -> None:
    """One line, for a person."""
    message = str(translate(sqlite3.OperationalError(text), PATH))
    assert str(PATH) in message
    assert "\n" not in message
    assert any(word in message for word in ("try again", "mend", "free", "restore", "name another", "rekall doctor"))


@pytest.mark.parametrize(
    ("raised", "wanted"),
    [
        (lambda: sqlite3.OperationalError("database is locked"), errors.DatabaseBusyError),
        (lambda: PermissionError(13, "Permission denied"), errors.CannotOpenError),
        (lambda: FileNotFoundError(2, "No such file or directory"), errors.CannotOpenError),
    ],
)
def test_a_translated_block_raises_from_the_driver_s_error(
    raised: Callable[[], Exception], wanted: type[Exception]
) -> None:
    """The cause stays for whoever debugs."""
    error = raised()
    with pytest.raises(wanted) as caught, translated(PATH):
        raise error
    assert caught.value.__cause__ is error


def test_a_refusal_while_statements_are_made_passes_too() -> None:
    """Those of an import are made while they run; what it raises is an error of values, as some of the driver's are."""
    refused = errors.ImportRefusedError("notes.json was changed")
    with pytest.raises(errors.ImportRefusedError) as caught, translated(PATH):
        raise refused
    assert caught.value is refused


def test_an_error_of_ours_passes_a_translated_block_as_it_is() -> None:
    """Ours derive from the driver's, and must not be taken for it."""
    ours = errors.GuardFailed(0, 0, 1)
    with pytest.raises(errors.GuardFailed) as caught, translated(PATH):
        raise ours
    assert caught.value is ours
