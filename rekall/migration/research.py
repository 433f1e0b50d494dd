"""Import of the sources that research notes name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rekall.migration.speckit_parser import ParsedSource, ParseResult
from rekall.store import OpenBase
from rekall.store.sources.research import KnownSource, Research, ResearchSource, SourceKey


def import_research(
    db: OpenBase, results: Iterable[ParseResult], *, dry_run: bool = False, force: bool = False
) -> dict[str, Any]:
    """Add the sources that research notes name to the base, in one batch, with the themes of the notes.

    A source is one domain and pattern, however often the notes name it. One that is new becomes a seed from the first
    file that names it; one that the base has gets the themes it lacks.

    Args:
        results: of `scan_research_directory`.
        dry_run: tell what would be done; nothing is written.
        force: mark sources that the base has as seeds from these files too.

    Returns:
        `status`, `imported` (new sources), `updated` (known ones that changed), `skipped` (known ones that did not),
        `errors` of the files, `themes` of the notes in alphabetical order, `dry_run`.
    """
    results = list(results)
    noted = _noted(source for result in results for source in result.sources)
    research = Research(db.store.session)
    known = research.known(noted)
    planned = [_planned(key, note, known.get(key), force) for key, note in noted.items()]
    changes = [source for source in planned if source.is_new or source.as_seed or source.themes]
    if changes and not dry_run:
        research.store(changes)
    imported = sum(source.is_new for source in changes)
    return {
        "status": "success",
        "imported": imported,
        "updated": len(changes) - imported,
        "skipped": len(planned) - len(changes),
        "errors": [error for result in results for error in result.errors],
        "themes": sorted({theme for note in noted.values() for theme in note.themes}),
        "dry_run": dry_run,
    }


@dataclass
class _Note:
    """What the notes say of one source: the file that names it first, and its themes in order."""

    origin: str
    themes: dict[str, None] = field(default_factory=dict)


def _noted(sources: Iterable[ParsedSource]) -> dict[SourceKey, _Note]:
    noted: dict[SourceKey, _Note] = {}
    for source in sources:
        note = noted.setdefault(SourceKey(source.domain, source.url_pattern), _Note(_origin(source.origin_file)))
        if theme := source.theme.strip().lower():
            note.themes[theme] = None
    return noted


def _origin(file: str) -> str:
    """The path of a file as the base holds it: from the root, or from the home directory."""
    path = Path(file).expanduser().absolute()
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def _planned(key: SourceKey, note: _Note, known: KnownSource | None, force: bool) -> ResearchSource:
    if known is None:
        return ResearchSource(key, note.origin, is_new=True, as_seed=False, themes=list(note.themes))
    missing = [theme for theme in note.themes if theme not in known.themes]
    as_seed = force and known.seed_origin != note.origin
    return ResearchSource(key, note.origin, is_new=False, as_seed=as_seed, themes=missing)
