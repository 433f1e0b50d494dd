"""Domains whose role is known."""

from __future__ import annotations

from typing import Any

from rekall.store.session import Session


class KnownDomains:
    """Domains whose role is known."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_known_domain(self, domain: str, role: str, notes: str | None = None) -> bool:
        raise NotImplementedError

    def get_known_domain(self, domain: str) -> dict[str, Any] | None:
        raise NotImplementedError
