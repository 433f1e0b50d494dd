"""sqlite-vec, which computes with vectors inside SQLite: an optional package, loaded into a connection on request."""

from __future__ import annotations

import importlib.util
import sqlite3
import sys

from rekall.infra.interfaces import DatabaseBackend

NOT_INSTALLED = "sqlite-vec is not installed (run 'pip install sqlite-vec')"
_CANNOT_LOAD = "the sqlite3 module of this Python cannot load extensions"
_LOADS_EXTENSIONS = hasattr(sqlite3.Connection, "enable_load_extension")


def raw_connection(backend: DatabaseBackend) -> sqlite3.Connection | None:
    """The sqlite3 connection behind a back end, None when it has no single one."""
    connection = getattr(getattr(backend, "wrapped", backend), "connection", None)
    return connection if isinstance(connection, sqlite3.Connection) else None


def obstacle() -> str | None:
    """Why sqlite-vec cannot be loaded into any connection, as a few words; None when nothing shows."""
    if "sqlite_vec" in sys.modules:
        found = sys.modules["sqlite_vec"] is not None
    else:
        found = importlib.util.find_spec("sqlite_vec") is not None
    if not found:
        return NOT_INSTALLED
    return None if _LOADS_EXTENSIONS else _CANNOT_LOAD


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
    if not _LOADS_EXTENSIONS:
        return _CANNOT_LOAD
    try:
        connection.enable_load_extension(True)
        try:
            connection.load_extension(path)
        finally:
            connection.enable_load_extension(False)
    except sqlite3.Error as error:
        return f"sqlite-vec cannot be loaded ({error})"
    return None
