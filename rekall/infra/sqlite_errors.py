"""What each error of the `sqlite3` driver means, in the words of `rekall.errors`.

Decided on SQLite's result code, never on the exception class: `sqlite3.OperationalError` covers a busy file and a
syntax error alike.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rekall.errors import (
    CannotOpenError,
    ClosedError,
    CorruptError,
    DatabaseBusyError,
    DatabaseError,
    DiskFullError,
    IntegrityError,
    InvalidValueError,
    QueryError,
    ReadOnlyError,
    RekallError,
)

# https://www.sqlite.org/rescode.html; the names exist in the sqlite3 module from Python 3.11 only
PERM, BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, AUTH, NOTADB = 3, 5, 6, 8, 10, 11, 13, 14, 23, 26

_CODES_BY_TEXT = {
    "access permission denied": PERM,
    "database is locked": BUSY,
    "database table is locked": LOCKED,
    "database schema is locked": LOCKED,
    "attempt to write a readonly database": READONLY,
    "disk I/O error": IOERR,
    "database disk image is malformed": CORRUPT,
    "database or disk is full": FULL,
    "unable to open database file": CANTOPEN,
    "authorization denied": AUTH,
    "file is not a database": NOTADB,
}
"""SQLite's own fixed text of each result code (sqlite3_errstr): all that Python 3.10 hands on."""


_CLOSED = "Cannot operate on a closed database."
"""The driver's own text: it has no result code, for SQLite is not asked any more."""

DRIVER_ERRORS = (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError)
"""What a call of the driver raises: also for text that is not UTF-8, for a number beyond 64 bits, for a NUL in the SQL,
and, on Python 3.10, the Warning for two statements in one call."""


def error_code(error: sqlite3.Error) -> int | None:
    """The primary SQLite result code: `sqlite_errorcode` from Python 3.11, its fixed text on 3.10; None if unknown."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF
    text = str(error)
    return next((known for prefix, known in _CODES_BY_TEXT.items() if text.startswith(prefix)), None)


@contextmanager
def translated(path: Path | None) -> Iterator[None]:
    """Raise the errors of the driver and of the file system as those of `rekall.errors`, naming `path`."""
    try:
        yield
    except RekallError:  # of the statements that were handed in, too
        raise
    except DRIVER_ERRORS as error:
        raise translate(error, path) from error
    except PermissionError as error:
        raise CannotOpenError(f"{path}: permission denied; 'rekall doctor' says whose file it is") from error
    except OSError as error:
        raise CannotOpenError(f"{path}: {error.strerror or error}; see 'rekall doctor'") from error


def translate(error: Exception, path: Path | None) -> RekallError:
    """The error of `rekall.errors` that says what one of `DRIVER_ERRORS` means for `path`, most specific first."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidValueError(f"a text is not UTF-8 (position {error.start}): convert it first")
    if isinstance(error, OverflowError):
        return InvalidValueError("a number is larger than 64 bits: give a smaller one")
    if not isinstance(error, sqlite3.Error):
        return QueryError(str(error))
    where = path if path is not None else "the in-memory database"
    code = error_code(error)
    if isinstance(error, sqlite3.ProgrammingError) and str(error) == _CLOSED:
        return ClosedError(f"{where} is closed: call connect first")
    if code in (BUSY, LOCKED):
        return DatabaseBusyError(f"{where} is locked by another process: try again when it has finished")
    if code == READONLY:
        return ReadOnlyError(f"{where} is read-only: mend its permissions or choose another database")
    if code == FULL:
        return DiskFullError(f"no room left for {where}: nothing was written; free some space and try again")
    if code == NOTADB:
        return CorruptError(f"{where} is not a SQLite database: name another file, or restore a backup")
    if code == CORRUPT:
        return CorruptError(f"{where} is damaged ({error}): see 'rekall doctor', or restore a backup")
    if code == CANTOPEN and path is not None and path.is_dir():
        return CannotOpenError(f"{path} is a directory, not a database file: name the file itself")
    if code == CANTOPEN:
        return CannotOpenError(f"{where} cannot be opened: look at the path and its permissions with 'rekall doctor'")
    if code in (IOERR, PERM, AUTH):
        return CannotOpenError(f"{where}: {error}; see 'rekall doctor'")
    if isinstance(error, sqlite3.IntegrityError):
        return IntegrityError(str(error))
    if isinstance(error, (sqlite3.OperationalError, sqlite3.ProgrammingError, sqlite3.InterfaceError)):
        return QueryError(str(error))
    return DatabaseError(str(error))
