"""Every error that Rekall raises on purpose, in one tree.

::

    RekallError
    ├── ConfigError                      config.toml, environment or flag; also what selects a back end
    ├── EntryNotFoundError (ValueError)  no entry has that id
    │   └── AmbiguousIdError             a prefix that several ids share
    ├── InvalidValueError (ValueError)   a value that the store refuses
    ├── MissingFileError (FileNotFoundError) a file that was named is not there
    ├── BackupError (RuntimeError)       a backup could not be made or put back; nothing was changed
    │   └── InvalidBackupError (+ ValueError) a file that cannot be restored
    ├── ImportRefusedError (ValueError)  what should be imported cannot be
    ├── FetchError                       a page on the web could not be asked for
    ├── MissingDependencyError (ImportError) an optional package is not installed
    ├── EmbeddingModelUnavailableError (RuntimeError) no vector can be computed
    │   └── EmbeddingPackageMissingError (+ MissingDependencyError) its packages are not installed
    └── BackendError                     anything a back end raises
        ├── TransientError               certainly not applied: any call may be tried again
        ├── OutcomeUnknownError          perhaps applied: reads and idempotent writes may be tried again
        ├── CacheError
        │   ├── CacheUnavailableError    (+ TransientError)
        │   └── CacheOutcomeUnknownError (+ OutcomeUnknownError)
        └── DatabaseError                (+ sqlite3.DatabaseError)
            ├── DatabaseBusyError        (+ TransientError, sqlite3.OperationalError)
            ├── DatabaseUnavailableError (+ TransientError, sqlite3.OperationalError)
            ├── DatabaseOutcomeUnknownError (+ OutcomeUnknownError, sqlite3.OperationalError)
            ├── QueryError               (+ sqlite3.OperationalError) wrong SQL, missing table
            ├── IntegrityError           (+ sqlite3.IntegrityError) a constraint
            ├── GuardFailed              a guarded statement changed another number of rows
            ├── CannotOpenError          (+ sqlite3.OperationalError)
            ├── ReadOnlyError            (+ sqlite3.OperationalError)
            ├── DiskFullError            (+ sqlite3.OperationalError)
            ├── CorruptError             not a database, or a damaged one
            ├── ClosedError              (+ sqlite3.ProgrammingError)
            ├── NotSupportedError        (+ sqlite3.NotSupportedError) this back end cannot do it
            └── MigrationError           (+ RuntimeError)
                ├── NewerSchemaError     written by a newer Rekall
                └── NotARekallError      a database, but not one of Rekall's

Only `TransientError` and `OutcomeUnknownError` are ever retried (`rekall.infra.instrument`). Database errors also
derive from the `sqlite3` class that code written for Rekall 0.3 catches; cache errors do not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal


class RekallError(Exception):
    """The base of every error of Rekall; its text is one line that a person can act on."""


class ConfigError(RekallError):
    """The configuration cannot be used: the text names the file or variable, the key and the mend."""


class EntryNotFoundError(RekallError, ValueError):
    """No entry has this id."""

    def __init__(self, entry_id: str, message: str | None = None) -> None:
        super().__init__(message or f"no entry has the id {entry_id}; 'rekall search' or 'rekall browse' lists ids")
        self.entry_id = entry_id


class AmbiguousIdError(EntryNotFoundError):
    """Several ids begin with this prefix; `candidates` holds (id, title) pairs, at most five."""

    def __init__(self, prefix: str, candidates: Sequence[tuple[str, str]]) -> None:
        listed = ", ".join(f"{entry_id} ({title[:40]})" for entry_id, title in candidates)
        super().__init__(prefix, f"several ids begin with {prefix}: {listed}; give more characters")
        self.candidates = tuple(candidates)


class InvalidValueError(RekallError, ValueError):
    """A value that Rekall does not accept; the text names the value and what is accepted."""


class ImportRefusedError(RekallError, ValueError):
    """What should be imported is damaged, of another form, or beyond a limit; nothing was written."""


class MissingFileError(RekallError, FileNotFoundError):
    """A file that was named is not there."""


class BackupError(RekallError, RuntimeError):
    """A backup could not be made, or a base could not be replaced by one; nothing was changed."""


class InvalidBackupError(BackupError, ValueError):
    """A file that cannot be restored: it is not a whole database of a known schema of Rekall."""


class MissingDependencyError(RekallError, ImportError):
    """Something was asked for that needs a package which is not installed; the text names it and what to run."""


class EmbeddingModelUnavailableError(RekallError, RuntimeError):
    """The embedding model cannot compute vectors; the text names it, what is wrong and what to run."""


class EmbeddingPackageMissingError(EmbeddingModelUnavailableError, MissingDependencyError):
    """A package that the embedding model needs is not installed."""


class FetchError(RekallError):
    """A page on the web could not be asked for.

    Args:
        reason: `invalid` (no address of a page), `refused` (not at a public address: nothing was sent), `unresolved`
            (no such host), `timeout`, or `connection` (refused, reset, no valid certificate, not HTTP).
    """

    def __init__(
        self, message: str, reason: Literal["invalid", "refused", "unresolved", "timeout", "connection"]
    ) -> None:
        super().__init__(message)
        self.reason = reason


class BackendError(RekallError):
    """A storage or cache back end failed, or was used in a way that it refuses."""


class TransientError(BackendError):
    """The call was certainly not applied and may succeed when tried again (busy, refused connection)."""


class OutcomeUnknownError(BackendError):
    """The call was sent and may have been applied (time-out or reset after sending)."""


class CacheError(BackendError):
    """A cache back end failed for good."""


class CacheUnavailableError(CacheError, TransientError):
    """The cache could not be reached; nothing was applied."""


class CacheOutcomeUnknownError(CacheError, OutcomeUnknownError):
    """The cache did not answer after the call had been sent."""


class DatabaseError(BackendError, sqlite3.DatabaseError):
    """A database back end failed for good."""


class DatabaseBusyError(DatabaseError, TransientError, sqlite3.OperationalError):
    """Another process holds the lock; nothing was applied."""


class DatabaseUnavailableError(DatabaseError, TransientError, sqlite3.OperationalError):
    """The database could not be reached; nothing was applied."""


class DatabaseOutcomeUnknownError(DatabaseError, OutcomeUnknownError, sqlite3.OperationalError):
    """The database did not answer after the statement had been sent."""


class QueryError(DatabaseError, sqlite3.OperationalError):
    """The statement is wrong or names something that does not exist."""


class IntegrityError(DatabaseError, sqlite3.IntegrityError):
    """A constraint of the schema refused the statement."""


class GuardFailed(DatabaseError):  # noqa: N818  # the name that the architecture gives to back-end authors
    """A guarded statement changed another number of rows than stated; the whole batch was undone.

    Args:
        index: position of the statement in its batch, from 0.
        changed: rows that it changed.
        expected: rows that it had to change.
    """

    def __init__(self, index: int, changed: int, expected: int) -> None:
        super().__init__(
            f"statement {index} of the batch changed {changed} rows instead of {expected}; nothing was kept"
        )
        self.index = index
        self.changed = changed
        self.expected = expected


class CannotOpenError(DatabaseError, sqlite3.OperationalError):
    """The database file cannot be opened."""


class ReadOnlyError(DatabaseError, sqlite3.OperationalError):
    """The database file, its directory or its medium refuses writes."""


class DiskFullError(DatabaseError, sqlite3.OperationalError):
    """No room is left for the write; it was undone."""


class CorruptError(DatabaseError):
    """The file is not a SQLite database, or a damaged one."""


class ClosedError(DatabaseError, sqlite3.ProgrammingError):
    """The back end was used before `connect` or after `close`."""


class NotSupportedError(DatabaseError, sqlite3.NotSupportedError):
    """This back end cannot do what was asked."""


class MigrationError(DatabaseError, RuntimeError):
    """The schema of the file cannot be brought to the current version."""


class NewerSchemaError(MigrationError):
    """The file was written by a newer Rekall than this one."""


class NotARekallError(MigrationError):
    """The file is a SQLite database of some other program."""
