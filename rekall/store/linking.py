"""The statement that stores a link, for every batch that makes one."""

from __future__ import annotations

from rekall.infra.interfaces import Statement
from rekall.models import Link
from rekall.store.rows import LINK_COLUMNS, iso

_INSERT = (
    f"INSERT INTO links({', '.join(LINK_COLUMNS)}) SELECT {', '.join(f':{column}' for column in LINK_COLUMNS)}"
    " WHERE EXISTS (SELECT 1 FROM entries WHERE id = :source_id)"
    " AND EXISTS (SELECT 1 FROM entries WHERE id = :target_id)"
)


def link_statement(link: Link) -> Statement:
    """Stores a link; its guard fails when an end of it is not there, the unique triple when it exists already."""
    return Statement(
        _INSERT,
        {
            "id": link.id,
            "source_id": link.source_id,
            "target_id": link.target_id,
            "relation_type": link.relation_type,
            "created_at": iso(link.created_at),
            "reason": link.reason,
        },
        expect=1,
    )
