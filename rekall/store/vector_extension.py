"""sqlite-vec, which computes with vectors inside SQLite: an optional package, loaded into a connection on request."""

from __future__ import annotations

import sqlite3

from rekall.infra.interfaces import DatabaseBackend

NOT_INSTALLED = "sqlite-vec is not installed (run 'pip install sqlite-vec')"


def raw_connection(backend: DatabaseBackend) -> sqlite3.Connection | None:
    """The sqlite3 connection behind a back end, None when it has no single one."""
    connection = getattr(getattr(backend, "wrapped", backend), "connection", None)
    return connection if isinstance(connection, sqlite3.Connection) else None


def load(connection: sqlite3.Connection, path: str | None = None) -> str | None:
    """Make the functions and tables of sqlite-vec known to a connection; nothing else can be loaded afterwards.

    Args:
        path: the library, without its ending; that of the package if left out.

    Returns:
        Why not, as a few words; None when they are known.
    """
    if path is None:
        try:
            import sqlite_vec
        except ImportError:
            return NOT_INSTALLED
        path = sqlite_vec.loadable_path()
    if not hasattr(connection, "enable_load_extension"):
        return "the sqlite3 module of this Python cannot load extensions"
    try:
        connection.enable_load_extension(True)
        try:
            connection.load_extension(path)
        finally:
            connection.enable_load_extension(False)
    except sqlite3.Error as error:
        return f"sqlite-vec cannot be loaded ({error})"
    return None
