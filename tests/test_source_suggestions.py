"""Sources suggested for an entry, and for a theme: which ones, in which order, and that they can be shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import sources

from rekall.db import Database
from rekall.errors import EntryNotFoundError
from rekall.models import Entry
from rekall.source_suggestions import EntrySuggestions, suggest_for_entry, suggest_for_theme


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "knowledge.db") as opened:
        opened.add(Entry(id="entry", title="a title", type="bug", tags=["css", "safari"]))
        yield opened


def ids(found: EntrySuggestions) -> list[str]:
    return [one.source.id for one in found.sources]


@pytest.mark.fault(3)
def test_sources_of_its_tags(db: Database) -> None:
    """Best score first, each once, with what a list shows of it: all of these are attributes that a source has."""
    sources.source(db, "low", "a.example", "css", personal_score=20.0)
    sources.source(db, "high", "b.example", "css", "safari", "html", personal_score=90.0, reliability="A")
    sources.source(db, "other", "c.example", "java", personal_score=99.0)
    sources.source(db, "down", "d.example", "css", status="inaccessible")
    found = suggest_for_entry(db, "entry")
    assert ids(found) == ["high", "low"]
    assert (found.entry.id, found.themes, found.domains) == ("entry", ["css", "safari"], [])
    best = found.sources[0]
    assert (best.themes, best.matched) == (["css", "html", "safari"], ["css", "safari"])
    assert (best.source.domain, best.source.personal_score, best.source.reliability) == ("b.example", 90.0, "A")
    assert ids(suggest_for_entry(db, "entry", 1)) == ["high"]


def test_sources_of_what_it_cites(db: Database) -> None:
    """Of a theme file, of an address, and of the domain of a source; what it cites already is not suggested."""
    sources.source(db, "cited", "docs.example", "css", personal_score=99.0)
    sources.source(db, "neighbour", "Docs.example", personal_score=70.0)
    sources.source(db, "by address", "web.example", personal_score=60.0)
    sources.source(db, "by theme", "x.example", "layout", personal_score=50.0)
    sources.source(db, "neither", "y.example", "other", personal_score=80.0)
    sources.cite(db, "entry", "cited", "https://docs.example/a")
    sources.cite(db, "entry", None, "https://WEB.example:443/page")
    sources.cite(db, "entry", None, "themes/Layout.md", kind="theme")
    sources.cite(db, "entry", None, "src/y.example", kind="file")
    found = suggest_for_entry(db, "entry")
    assert ids(found) == ["neighbour", "by address", "by theme"]
    assert [one.matched for one in found.sources] == [["docs.example"], ["web.example"], ["layout"]]
    assert set(found.themes) == {"css", "safari", "layout"}
    assert set(found.domains) == {"docs.example", "web.example"}


def test_nothing_fits(db: Database) -> None:
    """What was looked for is told, so that a list can say it; an unknown entry is an error that names it."""
    found = suggest_for_entry(db, "entry")
    assert (found.sources, found.themes) == ([], ["css", "safari"])
    with pytest.raises(EntryNotFoundError, match="nobody"):
        suggest_for_entry(db, "nobody")


def test_asking_is_not_a_use(db: Database) -> None:
    """Neither the entry nor the sources are counted as used."""
    sources.source(db, "s", "a.example", "css")
    suggest_for_entry(db, "entry")
    entry = db.get("entry", update_access=False)
    assert entry is not None
    assert entry.access_count == 0
    assert suggest_for_entry(db, "entry").sources[0].source.usage_count == 0


@pytest.mark.fault(6)
def test_sources_of_a_theme(db: Database) -> None:
    """Seeds, promoted ones, the rest; either of the first two can be left out, and the limit counts what is left."""
    sources.source(db, "plain", "a.example", "css", personal_score=99.0)
    sources.source(db, "seed", "b.example", "css", is_seed=1, personal_score=10.0)
    sources.source(db, "both", "c.example", "css", is_seed=1, is_promoted=1, personal_score=5.0)
    sources.source(db, "promoted", "d.example", "css", is_promoted=1, personal_score=20.0)
    sources.source(db, "other", "e.example", "java", is_seed=1)

    def found(theme: str = "css", limit: int = 20, *, seeds: bool = True, promoted: bool = True) -> list[str]:
        of_theme = suggest_for_theme(db, theme, limit, include_seeds=seeds, include_promoted=promoted)
        return [source.id for source in of_theme]

    assert found() == ["seed", "both", "promoted", "plain"]
    assert found(" CSS ", 2) == ["seed", "both"]
    assert found(limit=-1) == found()
    assert found(seeds=False) == ["promoted", "plain"]
    assert found(seeds=False, limit=1) == ["promoted"]
    assert found(promoted=False) == ["seed", "both", "plain"]
    assert found(seeds=False, promoted=False) == ["plain"]
    assert found("none") == []
