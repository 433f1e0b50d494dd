"""Tells a query that only reads from one that writes: what `fetch_one` and `fetch_all` may be given.

The retry layer tries a read again when nobody knows whether it arrived; a write that came as one would happen twice.
"""

from __future__ import annotations

import functools

from rekall.errors import QueryError
from rekall.infra.interfaces import refuse_transaction_control

_CHANGES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
_WRITES = (*_CHANGES, "CREATE", "DROP", "ALTER", "ATTACH", "DETACH", "VACUUM", "REINDEX", "ANALYZE")
_KEPT = ("USER_VERSION", "APPLICATION_ID", "SCHEMA_VERSION")
"""Pragmas whose value is in the file; others are of the connection."""
_BETWEEN_WORDS = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
# texts, quoted names and comments, in which a word is no keyword
_NO_KEYWORDS = r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)"""


def refuse_writes(sql: str) -> None:
    """Refuse a query that writes, and transaction control, as `fetch_one` and `fetch_all` of every back end must.

    Raises:
        QueryError: the query would change something.
    """
    refuse_transaction_control(sql)
    word = _write(sql)
    if word is not None:
        raise QueryError(
            f"fetch_one and fetch_all read, nothing was changed ({word}): write with execute_batch or execute"
        )


@functools.lru_cache(maxsize=512)
def _write(sql: str) -> str | None:
    """The word that makes a statement a write."""
    # cheap, for every command asks it of its queries: mostly there is no such word anywhere
    words = sql.upper().translate(_BETWEEN_WORDS).split()
    if "PRAGMA" not in words and not any(word in words for word in _WRITES):
        return None
    import re  # compiled for a query that holds such a word, which is none of a search

    keywords = re.sub(_NO_KEYWORDS, " ", sql, flags=re.DOTALL).upper()
    found: list[str] = re.findall(r"\w+", keywords)
    first, rest = "".join(found[:1]), found[1:]
    if first in _WRITES:
        return first
    if first == "PRAGMA":
        return next((name for name in _KEPT if name in rest and rest[-1] != name), None)
    if first == "WITH":
        # none of the words is a name there unless it is quoted, but `replace` is also a function
        pairs = zip(rest, [*rest[1:], ""], strict=True)
        return next(
            (word for word, after in pairs if word in _CHANGES and (word != "REPLACE" or after == "INTO")), None
        )
    return None
