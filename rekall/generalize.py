"""One entry that says what several have in common, derived from each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rekall.capture import new_entry
from rekall.errors import EntryNotFoundError, InvalidValueError
from rekall.models import Entry, Link, StructuredContext, generate_ulid
from rekall.store import OpenBase

MAX_TAGS = 5
CONFIDENCE = 3
_TITLE_PART = 40
_EXCERPT = 300
"""Characters of each entry's content that the draft repeats."""


@dataclass(frozen=True)
class Draft:
    """An entry that is not stored yet, and the entries that it comes from, each once, in the order given."""

    entry: Entry
    sources: tuple[Entry, ...]

    @property
    def semantic_sources(self) -> list[Entry]:
        """Sources that are no single experience, but generalized already."""
        return [source for source in self.sources if source.memory_type != "episodic"]


def draft(
    db: OpenBase,
    entry_ids: Sequence[str],
    *,
    title: str | None = None,
    entry_type: str = "pattern",
    memory_type: str = "semantic",
    tag_uses: int = 1,
) -> Draft:
    """Draft an entry out of several; nothing is stored.

    It takes the project of the first entry, the most frequent tags, and as its content the beginning of each entry.

    Args:
        entry_ids: full ids; one given twice counts once.
        title: of the new entry; drawn from the title of the first entry when left out.
        tag_uses: entries that must have a tag for the draft to take it.

    Raises:
        InvalidValueError: fewer than two different entries, or a title or type that is not accepted.
        EntryNotFoundError: there is no such entry.
    """
    ids = list(dict.fromkeys(entry_ids))
    if len(ids) < 2:
        raise InvalidValueError("one entry is nothing to generalize: give the ids of two different entries or more")
    found = db.store.entries.get_many(ids)
    for entry_id in ids:
        if entry_id not in found:
            raise EntryNotFoundError(entry_id)
    sources = [found[entry_id] for entry_id in ids]
    entry = new_entry(
        entry_type,
        _title(entry_type, sources[0]) if title is None else title,
        content=_content(sources, db.store.contexts.get_structured_contexts(ids)),
        confidence=CONFIDENCE,
        memory_type=memory_type,
    )
    # as they stand in the base: they have been accepted before
    entry.project, entry.tags = sources[0].project, _tags(sources, tag_uses)
    return Draft(entry, tuple(sources))


def create(db: OpenBase, drafted: Draft, *, reason: str | None = None) -> list[Link]:
    """Store a draft and its derived_from links to the sources, all or nothing.

    Args:
        reason: of each link.

    Raises:
        EntryNotFoundError: a source was deleted since it was drafted.
    """
    entry = drafted.entry
    links = [
        Link(generate_ulid(), entry.id, source.id, "derived_from", entry.created_at, reason)
        for source in drafted.sources
    ]
    db.store.entries.add(entry, links=links)
    return links


def _title(entry_type: str, first: Entry) -> str:
    start = " ".join(first.title.split())
    return f"{entry_type.capitalize()}: {_cut(start, _TITLE_PART)}"


def _tags(sources: Iterable[Entry], uses: int) -> list[str]:
    counts = Counter(tag for source in sources for tag in dict.fromkeys(source.tags))
    return sorted([tag for tag, count in counts.most_common() if count >= uses][:MAX_TAGS])


def _content(sources: Sequence[Entry], contexts: dict[str, StructuredContext]) -> str:
    parts = [f"Seen in {len(sources)} entries:"]
    for source in sources:
        parts.append(f"- {' '.join(source.title.split())} ({source.type})")
        context = contexts.get(source.id)
        texts = (source.content, context.solution if context else "")
        parts += [f"  {_cut(' '.join(text.split()), _EXCERPT)}" for text in texts if text.strip()]
    words = Counter(word for context in contexts.values() for word in dict.fromkeys(context.trigger_keywords))
    if shared := [word for word, count in words.most_common() if count > 1]:
        parts += ["", f"Keywords in common: {', '.join(shared)}"]
    return "\n".join(parts)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length].rstrip()}..."
