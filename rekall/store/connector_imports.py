"""How far the imports of connectors have come."""

from __future__ import annotations

from rekall.models import ConnectorImport
from rekall.store.session import Session


class ConnectorImports:
    """How far the imports of connectors have come."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_connector_import(self, connector: str) -> ConnectorImport | None:
        raise NotImplementedError

    def upsert_connector_import(self, info: ConnectorImport) -> None:
        raise NotImplementedError
