"""Domains whose role is known."""

from __future__ import annotations

from typing import Any

from rekall.store.rows import utc_now
from rekall.store.session import Session

_ROLES = ("hub", "authority")


class KnownDomains:
    """Domains whose role is known, in lower case; a new base knows some."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_known_domain(self, domain: str, role: str, notes: str | None = None) -> bool:
        """Add a domain; False when it is there, when it is blank, and for a role other than hub or authority."""
        name = domain.strip().lower()
        if not name or role not in _ROLES:
            return False
        sql = (
            "INSERT INTO known_domains(domain, role, notes, created_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT(domain) DO NOTHING"
        )
        return self._session.execute(sql, (name, role, notes, utc_now())).rowcount > 0

    def get_known_domain(self, domain: str) -> dict[str, Any] | None:
        """The `domain`, `role` and `notes` of a domain, None when its role is not known.

        A subdomain is a domain of its own.
        """
        return self._session.fetch_one(
            "SELECT domain, role, notes FROM known_domains WHERE domain = ?", (domain.strip().lower(),)
        )
