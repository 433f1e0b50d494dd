"""Why each hit stands where it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rekall.finding.answer import Explanation
from rekall.finding.searches import Tried
from rekall.models import Link, SearchResult
from rekall.store import OpenBase
from rekall.store.explaining import FIELDS

_SHOWN = {"legacy": "context_text"}
"""Names for people, where the index has others."""


def explanations(
    db: OpenBase, hits: Sequence[SearchResult], tried: Tried, links_of_hits: Sequence[Link]
) -> dict[str, Explanation]:
    """The explanation of each hit, by its id.

    Args:
        tried: the search that found them.
        links_of_hits: all of them.
    """
    words = db.store.matched_words([hit.entry for hit in hits], tried.words.terms)
    links = Counter(end for link in links_of_hits for end in (link.source_id, link.target_id))
    found = {}
    for place, hit in enumerate(hits, start=1):
        held, by_words = words[hit.entry.id], hit.rank < 0
        rank = hit.lexical_rank if tried.mode != "fts" else place
        found[hit.entry.id] = Explanation(
            words={_SHOWN.get(name, name): held[name] for name in FIELDS if name in held},
            bm25=-hit.rank if by_words else None,
            lexical_rank=rank if by_words else None,
            vector_rank=hit.vector_rank,
            similarity=hit.similarity,
            links=links[hit.entry.id],
            consolidation=hit.entry.consolidation_score,
            accesses=hit.entry.access_count,
        )
    return found


def in_words(hit: SearchResult, why: Explanation) -> list[tuple[str, str]]:
    """An explanation for people: what each line is about, and what it says."""
    held = [f"{name.replace('_', ' ')}: {', '.join(words)}" for name, words in why.words.items()]
    lines = [("score", f"{hit.score or 0:.2f}"), ("words", "; ".join(held) or "none of the query")]
    if why.bm25 is not None:
        lines.append(("by words", f"{_place(why.lexical_rank)}bm25 {why.bm25:.2f}"))
    if why.similarity is not None:
        lines.append(("by meaning", f"{_place(why.vector_rank)}similarity {why.similarity:.2f}"))
    links, accesses = _counted(why.links, "link", "links"), _counted(why.accesses, "access", "accesses")
    lines.append(("not ranked by", f"{links}, consolidation {why.consolidation:.2f}, {accesses}"))
    return lines


def _place(rank: int | None) -> str:
    return "" if rank is None else f"place {rank}, "


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
