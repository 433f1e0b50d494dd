"""The tree of errors: what derives from what, and that its drawing is true."""

from __future__ import annotations

import inspect
import re
import sqlite3

import pytest

from rekall import errors

ALL = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
]


def test_all_have_one_base() -> None:
    """`except RekallError` catches everything that Rekall raises on purpose."""
    assert len(ALL) > 20
    assert all(issubclass(error, errors.RekallError) for error in ALL)


def _drawn() -> dict[str, tuple[str, list[str]]]:
    """From the docstring: each error, its parent by indentation, and the bases that it names in brackets."""
    drawn: dict[str, tuple[str, list[str]]] = {}
    parents: dict[int, str] = {}
    lines = inspect.getdoc(errors).split("::")[1].splitlines()  # type: ignore[union-attr]  # the module has a docstring
    for line in lines:
        match = re.match(r"^([ │├└─]*)(\w+)(?: +\((?:\+ )?([^)]*)\))?", line)
        if match is None or not match[2].endswith(("Error", "Failed")):
            continue
        depth = len(match[1])
        parent = next((parents[each] for each in sorted(parents, reverse=True) if each < depth), "")
        parents = {each: name for each, name in parents.items() if each < depth} | {depth: match[2]}
        drawn[match[2]] = (parent, [base.strip() for base in (match[3] or "").split(",") if base.strip()])
    return drawn


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    """Every error, under its base, with its other bases."""
    drawn = _drawn()
    assert set(drawn) == {error.__name__ for error in ALL}
    for error in ALL:
        parent, others = drawn[error.__name__]
        bases = [
            base.__name__ if base.__module__ != "sqlite3" else f"sqlite3.{base.__name__}" for base in error.__bases__
        ]
        assert bases == [parent or "Exception", *others], error.__name__


@pytest.mark.parametrize(
    ("error", "caught_as"),
    [
        (errors.DatabaseBusyError, sqlite3.OperationalError),
        (errors.DatabaseUnavailableError, sqlite3.OperationalError),
        (errors.DatabaseOutcomeUnknownError, sqlite3.OperationalError),
        (errors.QueryError, sqlite3.OperationalError),
        (errors.CannotOpenError, sqlite3.OperationalError),
        (errors.ReadOnlyError, sqlite3.OperationalError),
        (errors.DiskFullError, sqlite3.OperationalError),
        (errors.IntegrityError, sqlite3.IntegrityError),
        (errors.ClosedError, sqlite3.ProgrammingError),
        (errors.CorruptError, sqlite3.DatabaseError),
        (errors.MigrationError, RuntimeError),
        (errors.EntryNotFoundError, ValueError),
        (errors.AmbiguousIdError, ValueError),
        (errors.InvalidValueError, ValueError),
        (errors.MissingDependencyError, ImportError),
        (errors.MissingFileError, FileNotFoundError),
        (errors.BackupError, RuntimeError),
        (errors.InvalidBackupError, ValueError),
    ],
)
def test_code_for_0_3_still_catches_them(error: type[Exception], caught_as: type[Exception]) -> None:
    """As the class of the driver, or the ValueError and RuntimeError that the methods of 0.3 raised."""
    assert issubclass(error, caught_as)


def test_cache_errors_are_no_errors_of_a_database() -> None:
    """Whoever catches `sqlite3.Error` around a search does not swallow them."""
    caches = [error for error in ALL if issubclass(error, errors.CacheError)]
    assert len(caches) == 3
    assert not any(issubclass(error, sqlite3.Error) for error in caches)


def test_not_applied_and_perhaps_applied_are_different() -> None:
    """No error says both: the retry would not know what to do."""
    assert not [
        error
        for error in ALL
        if issubclass(error, errors.TransientError) and issubclass(error, errors.OutcomeUnknownError)
    ]


def test_errors_carry_what_a_program_needs() -> None:
    """Ids, candidates, and where a guard failed."""
    assert errors.EntryNotFoundError("01H").entry_id == "01H"
    ambiguous = errors.AmbiguousIdError("01", [("01A", "first"), ("01B", "second " * 20)])
    assert ambiguous.entry_id == "01"
    assert ambiguous.candidates == (("01A", "first"), ("01B", "second " * 20))
    assert str(ambiguous).startswith("several ids begin with 01: 01A (first), 01B (second second")
    assert len(str(ambiguous)) < 150
    guard = errors.GuardFailed(2, 0, 1)
    assert (guard.index, guard.changed, guard.expected) == (2, 0, 1)
    assert str(guard) == "statement 2 of the batch changed 0 rows instead of 1; nothing was kept"
