"""The themes of sources, by the rules of 0.3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases, raw
from support.sources import source

from rekall.db import Database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        source(opened, "A", personal_score=10.0)
        source(opened, "B", personal_score=20.5)
        source(opened, "C", personal_score=30.0)
        yield opened


def test_what_0_3_wrote_is_read_whole(tmp_path: Path) -> None:
    """The themes of every source, from every schema that has them."""
    for name in ("v09.db", "v10.db", "v11.db", "v12.db", "v12-centrality-only.db", "v12-enrichment-only.db"):
        with Database(databases.unpack(name, tmp_path)) as db:
            for source_id, themes in databases.opened("v12.db")["source_themes"].items():
                assert db.get_source_themes(source_id) == themes


def test_a_theme_is_trimmed_and_in_lower_case(db: Database) -> None:
    """On the way in and on the way out; listed alphabetically."""
    assert db.add_source_theme("A", "  Python ") is True
    assert db.add_source_theme("A", "École") is True
    assert db.add_source_theme("A", "api") is True
    assert db.get_source_themes("A") == ["api", "python", "école"]
    assert db.remove_source_theme("A", " ÉCOLE") is True
    assert db.remove_source_theme("A", "école") is False
    assert db.get_source_themes("A") == ["api", "python"]
    assert db.get_source_themes("none") == []


@pytest.mark.parametrize(("source_id", "theme"), [("A", "PYTHON"), ("none", "python"), ("A", "  "), ("A", "")])
def test_what_adds_nothing(db: Database, source_id: str, theme: str) -> None:
    """A theme that is there, an unknown source, a blank theme: False, and no row."""
    db.add_source_theme("A", "python")
    assert db.add_source_theme(source_id, theme) is False
    assert raw.rows(db.db_path, "SELECT source_id, theme FROM source_themes") == [("A", "python")]


def test_counts_and_mean_scores(db: Database) -> None:
    """Those of most sources first, equal ones alphabetically; the mean has one decimal."""
    for source_id, themes in {"A": ["x", "z"], "B": ["x", "y"], "C": ["x"]}.items():
        for theme in themes:
            db.add_source_theme(source_id, theme)
    counted = [
        {"theme": "x", "count": 3, "avg_score": 20.2},
        {"theme": "y", "count": 1, "avg_score": 20.5},
        {"theme": "z", "count": 1, "avg_score": 10.0},
    ]
    assert db.list_themes_with_counts() == db.get_all_tags_with_counts() == counted
    assert db.list_themes_with_counts(2) == db.get_all_tags_with_counts(2) == counted[:1]
    assert db.list_themes_with_counts(4) == []


def test_suggestions_begin_with_the_prefix(db: Database) -> None:
    """In any case, those of most sources first, as many as asked for."""
    for source_id, theme in (("A", "python"), ("A", "pytest"), ("B", "python"), ("B", "py"), ("C", "happy")):
        db.add_source_theme(source_id, theme)
    assert db.get_tags_suggestions("PY") == ["python", "py", "pytest"]
    assert db.get_tags_suggestions("py", 1) == ["python"]
    assert db.get_tags_suggestions("pyx") == []
    assert db.get_tags_suggestions("") == ["python", "happy", "py", "pytest"]


THEMES = st.text("ab%_\\é ", min_size=1, max_size=4).map(str.strip).filter(bool)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(THEMES, unique=True, max_size=6), st.text("ab%_\\é", max_size=2))
def test_a_prefix_stands_for_itself(db: Database, themes: list[str], prefix: str) -> None:
    """Its percent signs, underscores and backslashes are no wildcards."""
    raw.write(db.db_path, "DELETE FROM source_themes")
    for theme in themes:
        assert db.add_source_theme("A", theme) is True
    assert db.get_tags_suggestions(prefix, 100) == sorted(theme for theme in themes if theme.startswith(prefix))
