"""Opening a base: what schema it has, its creation or migration, and the derived objects that writing needs.

Everything that changes the schema is one atomic batch which begins with a guard: it goes on only when the schema is
still the one that was looked at, so any number of processes may open one file together. A migration of a file with
entries also waits for the others on a lock file, so that one backup is made and not one for each process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rekall.errors import (
    DatabaseError,
    GuardFailed,
    MigrationError,
    NewerSchemaError,
    NotARekallError,
    ReadOnlyError,
)
from rekall.infra.interfaces import DatabaseBackend, Row, Statement
from rekall.store import derived, schema
from rekall.store.context_codec import compression_statements
from rekall.store.rows import ENTRY_COLUMNS

_COLUMNS = {table: tuple(declared.columns) for table, declared in schema.TABLES.items()} | {
    "entries_fts": schema.FULL_TEXT_COLUMNS
}
_FIRST_COLUMNS = ENTRY_COLUMNS[:10]


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


STATE_QUERY = (
    "SELECT (SELECT user_version FROM pragma_user_version) AS version,"
    " (SELECT count(*) FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    f" AND t.name IN ({_names(_COLUMNS)}) AND t.name || '.' || c.name"
    f" IN ({_names(f'{table}.{column}' for table, columns in _COLUMNS.items() for column in columns)})) AS columns,"
    " (SELECT count(*) FROM pragma_table_info('entries')"
    f" WHERE name IN ({_names(_FIRST_COLUMNS)})) AS first_columns,"
    " (SELECT count(*) FROM sqlite_master WHERE type = 'table') AS tables"
)
"""One row, the values of a `SchemaState` in order."""
_ATTEMPTS = 5


class SchemaState(NamedTuple):
    """What tells one schema from another: `user_version` alone does not, three of them call themselves 12.

    Args:
        version: `user_version`.
        columns: how many columns of the current schema the file has.
        first_columns: how many of those that an entry had from the first version on.
        tables: tables of any name.
    """

    version: int
    columns: int
    first_columns: int
    tables: int

    @property
    def is_current(self) -> bool:
        return (self.version, self.columns) == (schema.CURRENT_SCHEMA_VERSION, sum(map(len, _COLUMNS.values())))

    @property
    def is_empty(self) -> bool:
        return self.version == 0 and self.tables == 0

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        incomplete = self.version == schema.CURRENT_SCHEMA_VERSION and not self.is_current
        return f"{'an incomplete ' if incomplete else ''}schema {self.version}"


def read_state(backend: DatabaseBackend) -> SchemaState:
    """Look at the schema of an open base."""
    row = backend.fetch_one(STATE_QUERY)
    if row is None:
        raise DatabaseError("the back end returned no row for a query that always has one")
    return SchemaState(**row)


def schema_marks(backend: DatabaseBackend) -> Row | None:
    """What is another as soon as any program has changed the schema or put a backup into the file; cheap to ask."""
    return backend.fetch_one("SELECT * FROM pragma_schema_version, pragma_user_version")


def ensure_schema(backend: DatabaseBackend, path: Path) -> Path | None:
    """Create the schema, or bring an older one to the current version behind a backup; do nothing when it is current.

    Args:
        backend: connected.
        path: the database file; backups go to the folder `backups` beside it.

    Returns:
        The backup made before a migration, if there was one.

    Raises:
        NewerSchemaError: written by a newer Rekall; untouched.
        NotARekallError: some other program's database; untouched.
        MigrationError: cannot be migrated here (read-only, no backup possible); untouched.
    """
    for _ in range(_ATTEMPTS):
        state = read_state(backend)
        if state.is_current:
            return None
        refuse(state, path)
        from rekall.store import backups  # a current file needs none

        try:
            if state.is_empty:
                _apply(backend, state)
                return None
            with backups.migration_lock(path):
                state = read_state(backend)
                if state.is_current:
                    return None
                saved = backups.back_up(backend, path, f"schema-{state.version}")
                try:
                    _apply(backend, state)
                except (GuardFailed, ReadOnlyError):
                    saved.unlink()  # nothing was migrated, nothing needs it
                    raise
                return saved
        except GuardFailed:
            continue  # another process was faster: look again
        except ReadOnlyError as error:
            what = "is empty" if state.is_empty else f"has {state.name}"
            raise MigrationError(
                f"{path} {what} and is read-only: copy it to a writable place and run 'rekall migrate' there"
            ) from error
    raise MigrationError(
        f"the schema of {path} keeps changing: stop the other programs that write it, then 'rekall migrate'"
    )


def ensure_derived(backend: DatabaseBackend) -> None:
    """Make the `rekall_*` objects that are missing or out of date."""
    for _ in range(_ATTEMPTS):
        present = _derived_now(backend)
        if present == dict(derived.OBJECTS):
            return
        try:
            backend.execute_batch([*_derived_guard(present), *map(Statement, derived.build())])
        except GuardFailed:
            continue
        return
    raise MigrationError("the rekall_* objects keep changing: stop the other programs that write the database")


def derived_problems(backend: DatabaseBackend) -> list[str]:
    """The names of derived objects that are missing or out of date."""
    present = _derived_now(backend)
    return [name for name, sql in derived.OBJECTS.items() if present.get(name) != sql]


def refuse(state: SchemaState, path: Path) -> None:
    """Refuse a base that is not for this program to bring up to date.

    Raises:
        NewerSchemaError: written by a newer Rekall.
        NotARekallError: some other program's database.
    """
    if state.version > schema.CURRENT_SCHEMA_VERSION and state.first_columns:
        raise NewerSchemaError(
            f"{path} has schema {state.version}, written by a newer Rekall; this one knows"
            f" {schema.CURRENT_SCHEMA_VERSION}: upgrade Rekall, or choose another database"
        )
    if not state.is_empty and state.first_columns < len(_FIRST_COLUMNS):
        raise NotARekallError(f"{path} is a database of another program: choose another file")


def _apply(backend: DatabaseBackend, state: SchemaState) -> None:
    backend.execute_batch([*_state_guard(state), *_migration(backend, state)])
    after = read_state(backend)
    if not after.is_current:
        raise MigrationError(f"Schema verification failed after the migration from {state.version}: {after}")


def _migration(backend: DatabaseBackend, state: SchemaState) -> Iterator[Statement]:
    existing = {name: _columns(backend, name) for name in _COLUMNS}
    for name, table in schema.TABLES.items():
        if not existing[name]:
            yield Statement(table.create(name))
        for column, definition in table.columns.items():
            if existing[name] and column not in existing[name]:
                yield Statement(f"ALTER TABLE {name} ADD COLUMN {column} {definition}")
    yield from map(Statement, schema.indexes())
    yield Statement(schema.FULL_TEXT)
    if existing["entries"] and not existing["entries_fts"]:
        yield from map(Statement, derived.rebuild_full_text())
    # no text changes below, and with 0.3's trigger each of these updates would scan the full-text table
    yield Statement("DROP TRIGGER IF EXISTS entries_au")
    if existing["entries"] and state.version < 1:
        # what schema 1 said of entries for which no access had been counted yet
        yield Statement("UPDATE entries SET last_accessed = created_at WHERE last_accessed IS NULL")
        yield Statement("UPDATE entries SET access_count = 1 WHERE coalesce(access_count, 0) = 0")
    if state.version < 9:
        for role, domains in schema.KNOWN_DOMAINS.items():
            for domain in domains:
                yield Statement(
                    "INSERT OR IGNORE INTO known_domains(domain, role, notes, created_at)"
                    " VALUES (?, ?, ?, datetime('now'))",
                    (domain, role, f"known {role}"),
                )
    if "context_structured" in existing["entries"]:
        yield from compression_statements(backend, has_blob="context_blob" in existing["entries"])
    yield from map(Statement, derived.build())
    yield Statement(f"PRAGMA user_version = {schema.CURRENT_SCHEMA_VERSION}")


def _columns(backend: DatabaseBackend, table: str) -> set[str]:
    return {row["name"] for row in backend.fetch_all("SELECT name FROM pragma_table_info(?)", (table,))}


def _state_guard(state: SchemaState) -> list[Statement]:
    # the number of tables is left out: the guard itself makes one
    return _guard(f"SELECT 1 FROM ({STATE_QUERY}) WHERE version = ? AND columns = ?", (state.version, state.columns))


def _derived_guard(present: dict[str, str]) -> list[Statement]:
    query = f"SELECT 1 WHERE (SELECT count(*) FROM sqlite_master WHERE name IN ({_DERIVED_NAMES})) = ?"
    return _guard(query, (len(present),))


def _guard(query: str, params: tuple[int, ...]) -> list[Statement]:
    """Statements that undo their batch unless `query` returns exactly one row inside it."""
    return [
        Statement("CREATE TABLE rekall_guard (passed INTEGER)"),
        Statement(f"INSERT INTO rekall_guard {query}", params, expect=1),
        Statement("DROP TABLE rekall_guard"),
    ]


_DERIVED_NAMES = _names(derived.OBJECTS)


def _derived_now(backend: DatabaseBackend) -> dict[str, str]:
    rows = backend.fetch_all(f"SELECT name, sql FROM sqlite_master WHERE name IN ({_DERIVED_NAMES})")
    return {row["name"]: row["sql"] for row in rows}
