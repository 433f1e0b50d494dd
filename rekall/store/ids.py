"""Ids by their beginning: what a person types is rarely a whole id."""

from __future__ import annotations

from rekall.errors import InvalidValueError
from rekall.infra.interfaces import Row
from rekall.store.session import Session

HIGHEST_CHARACTER = "\U0010ffff"
"""No text that begins with a prefix comes after the prefix and this."""
CANDIDATES = 5
"""Ids that are named when several begin so."""


def beginning_with(session: Session, select: str, prefix: str) -> list[Row]:
    """The rows whose id begins so, in any case: the one row of that very id, or `CANDIDATES` + 1 at most.

    Args:
        select: selects `id` and what else is wanted from one table, without a condition.
    """
    wanted = prefix.encode("utf-8", "replace").decode("utf-8").strip()  # an undecodable byte is in no id
    for form in dict.fromkeys((wanted, wanted.upper())) if wanted else ():
        rows = session.fetch_all(
            f"{select} WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (form, form + HIGHEST_CHARACTER, CANDIDATES + 1),
        )
        if rows:
            return rows[:1] if rows[0]["id"] == form else rows
    return []


def the_one(rows: list[Row], prefix: str, kind: str, hint: str) -> Row:
    """The row that a prefix stands for.

    Args:
        rows: of `beginning_with`.
        kind: what the rows are, for the message.
        hint: the command that lists them.

    Raises:
        InvalidValueError: none, or several.
    """
    if not rows:
        raise InvalidValueError(f"no {kind} has the id {prefix}: '{hint}' lists them")
    if len(rows) > 1:
        listed = ", ".join(row["id"] for row in rows[:CANDIDATES])
        raise InvalidValueError(f"several of the {kind}s begin with {prefix}: {listed}; give more characters")
    return rows[0]
