"""What checks of sources over the network found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from rekall.infra.interfaces import Statement
from rekall.store.rows import iso
from rekall.store.session import Session

# a source that a person has set aside stays aside, whether it can be reached or not
_RECORD = (
    "UPDATE sources SET last_verified = ?,"
    " status = CASE status WHEN 'archived' THEN status ELSE coalesce(?, status) END WHERE id = ?"
)


class Checked(NamedTuple):
    """What one check found.

    Args:
        status: None leaves the status as it is: the source was not contacted.
    """

    source_id: str
    status: Literal["active", "inaccessible"] | None
    moment: datetime


class Verification:
    """Records checks of sources."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(self, checks: Iterable[Checked]) -> None:
        """Store what was found, in one batch; a source deleted meanwhile is passed over, an archived one stays so."""
        self._session.write(
            [Statement(_RECORD, (iso(check.moment), check.status, check.source_id)) for check in checks],
            idempotent=True,
        )
