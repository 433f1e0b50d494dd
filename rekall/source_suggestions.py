"""Sources that are worth a look: for an entry by what it is about and cites, or for a theme."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from rekall.errors import EntryNotFoundError
from rekall.models import Entry, EntrySource, Source
from rekall.store import OpenBase
from rekall.store.sources.matches import Matches
from rekall.store.sources.themes import theme_names
from rekall.urls import extract_domain


@dataclass(frozen=True)
class SuggestedSource:
    """A source that fits an entry.

    Args:
        themes: all themes of the source.
        matched: the themes and domains that it has in common with the entry.
    """

    source: Source
    themes: list[str]
    matched: list[str]


@dataclass(frozen=True)
class EntrySuggestions:
    """The sources that fit an entry, best score first.

    Args:
        themes: what was looked for: the tags of the entry, and the themes that it cites.
        domains: the domains that it cites.
    """

    entry: Entry
    themes: list[str]
    domains: list[str]
    sources: list[SuggestedSource]


def suggest_for_entry(db: OpenBase, entry_id: str, limit: int = 5) -> EntrySuggestions:
    """The active sources with a theme or the domain of an entry, without those that it cites already.

    Raises:
        EntryNotFoundError: no entry has this id.
    """
    entry = db.store.entries.get(entry_id, update_access=False)
    if entry is None:
        raise EntryNotFoundError(entry_id)
    cited = db.store.citations.get_entry_sources(entry_id)
    themes = theme_names([*entry.tags, *(_theme(one) for one in cited if one.source_type == "theme")])
    domains = [domain for domain in dict.fromkeys(_domain(one) for one in cited) if domain]
    found = Matches(db.store.session).for_entry(entry_id, themes, domains, limit)
    sources = [
        SuggestedSource(
            source,
            own,
            [name for name in themes if name in own] + [name for name in domains if name == source.domain.lower()],
        )
        for source, own in found
    ]
    return EntrySuggestions(entry, themes, domains, sources)


def suggest_for_theme(
    db: OpenBase, theme: str, limit: int = 20, *, include_seeds: bool = True, include_promoted: bool = True
) -> list[Source]:
    """The sources of a theme: seeds, then promoted ones, then the others, the best score first in each.

    Args:
        theme: in any case, blanks around it do not count.
        limit: counted after what is left out; a negative one lets all pass.
        include_seeds: also those that are seeds.
        include_promoted: also those that were promoted and are no seeds.
    """
    found = [
        source
        for source in db.store.source_lists.get_sources_by_theme(theme.strip(), limit=-1)
        if (include_seeds if source.is_seed else include_promoted or not source.is_promoted)
    ]
    return found if limit < 0 else found[:limit]


def _theme(cited: EntrySource) -> str:
    """The theme of a theme file, which is its name."""
    return PurePosixPath(cited.source_ref.replace("\\", "/")).name.removesuffix(".md")


def _domain(cited: EntrySource) -> str:
    if cited.source is not None:
        return cited.source.domain.lower()
    return extract_domain(cited.source_ref) if cited.source_type == "url" else ""
