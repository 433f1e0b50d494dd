"""How far the imports of connectors have come."""

from __future__ import annotations

from rekall.infra.interfaces import Statement
from rekall.models import ConnectorImport
from rekall.store.capture_rows import capture_from_row, capture_values, columns
from rekall.store.rows import select
from rekall.store.session import Session

_COLUMNS = columns(ConnectorImport)
_SELECT = f"SELECT {select(_COLUMNS, 'connector_imports')} FROM connector_imports"
_UPSERT = (
    f"INSERT INTO connector_imports({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
    f" ON CONFLICT(connector) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)


class ConnectorImports:
    """How far the import of each connector has come."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_connector_import(self, connector: str) -> ConnectorImport | None:
        """How far the import of a connector has come, None when it was never run."""
        row = self._session.fetch_one(f"{_SELECT} WHERE connector = ?", (connector,))
        return None if row is None else capture_from_row(ConnectorImport, row)

    def upsert_connector_import(self, info: ConnectorImport) -> None:
        """Note how far an import has come, in place of what was noted before."""
        self._session.write([Statement(_UPSERT, capture_values(info))], idempotent=True)
