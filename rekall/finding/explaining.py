"""Why each hit stands where it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rekall.finding.answer import Answer, Explanation
from rekall.store import OpenBase


def explanations(db: OpenBase, answer: Answer, terms: Sequence[str]) -> dict[str, Explanation]:
    """The explanation of each hit, by its id.

    Args:
        answer: with hits and their links.
        terms: MATCH expressions that were looked for.
    """
    words = db.store.matched_words([hit.entry for hit in answer.hits], terms)
    links = Counter(end for link in answer.links for end in (link.source_id, link.target_id))
    found = {}
    for place, hit in enumerate(answer.hits, start=1):
        by_words = hit.rank < 0
        rank = hit.lexical_rank if answer.mode != "fts" else place
        found[hit.entry.id] = Explanation(
            words=words[hit.entry.id],
            bm25=-hit.rank if by_words else None,
            lexical_rank=rank if by_words else None,
            vector_rank=hit.vector_rank,
            similarity=hit.similarity,
            links=links[hit.entry.id],
            consolidation=hit.entry.consolidation_score,
            accesses=hit.entry.access_count,
        )
    return found
