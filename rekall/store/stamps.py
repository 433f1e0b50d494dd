"""The stamps of a base: which state of it something was made of. `rekall.store.derived` says what renews them."""

from __future__ import annotations

from typing import NamedTuple

from rekall.errors import QueryError
from rekall.infra.interfaces import Value
from rekall.store.derived import STAMPING
from rekall.store.session import Session

_LENGTH = 32
_KEPT_UP = (
    f"(SELECT count(*) FROM sqlite_master WHERE sql IN ({', '.join(f':stamping{n}' for n in range(len(STAMPING)))}))"
    f" = {len(STAMPING)}"
)
SEARCH_STAMP = f"(SELECT search FROM rekall_stamps WHERE length(search) = {_LENGTH} AND {_KEPT_UP})"
"""The stamp of all that a search looks at, NULL where nothing keeps it; with the parameters `STAMPING_VALUES`."""
STAMPING_VALUES: dict[str, Value] = {f"stamping{number}": sql for number, sql in enumerate(STAMPING.values())}
_NAMES = ("base", "vectors", "entries", "search")
_STAMPS = (
    f"SELECT {', '.join(_NAMES)} FROM rekall_stamps"
    f" WHERE {' AND '.join(f'length({name}) = {_LENGTH}' for name in _NAMES)} AND {_KEPT_UP}"
)


class Stamps(NamedTuple):
    """Texts of 32 characters, all but the first of which are others after any program has written.

    Two states of a base never have the same, nor do two bases, unless one is a copy of the other: then what the stamp
    is of is the same in both, until one of them is written and has a new stamp.

    Args:
        base: made with the derived objects, the same in copies of the base: names what is to be replaced.
        vectors: renewed when a vector is added, changed or removed.
        entries: renewed when an entry is added, changed or removed; an access changes nothing.
        search: renewed with each of these, and when a tag or a link is: whatever a search matches, filters or ranks by.
    """

    base: str
    vectors: str
    entries: str
    search: str


def stamps(session: Session) -> Stamps | None:
    """The stamps of a base; None where nothing keeps them: a base that no Rekall of this age has written yet."""
    try:
        row = session.fetch_one(_STAMPS, STAMPING_VALUES)
    except QueryError:
        return None
    return None if row is None else Stamps(**row)
