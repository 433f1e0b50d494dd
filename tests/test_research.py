"""Research notes: the addresses in Markdown files, and their import as sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import raw
from support.counting import CountingBackend

from rekall.db import Database
from rekall.infra import register_backend
from rekall.migration import extract_theme_from_filename, parse_research_file, scan_research_directory
from rekall.migration.research import import_research
from rekall.migration.speckit_parser import ParsedSource, ParseResult, extract_domain, extract_url_pattern
from rekall.store.sources.research import Research, ResearchSource, SourceKey


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def notes(folder: Path, **files: str) -> Path:
    """A folder of notes: the text of each file by its name without ending."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.md").write_text(text, encoding="utf-8")
    return folder


def found(folder: Path, text: str) -> list[str | None]:
    """The addresses in a text."""
    result = parse_research_file(notes(folder, text=text) / "text.md")
    assert result.errors == []
    return [source.url for source in result.sources]


def rows(db: Database, sql: str) -> list[tuple[Any, ...]]:
    with raw.connection(db.db_path) as opened:
        return [tuple(row) for row in opened.execute(sql).fetchall()]


SOURCES = "SELECT domain, url_pattern, is_seed, seed_origin, role FROM sources ORDER BY domain, url_pattern"
THEMES = "SELECT domain, theme FROM source_themes JOIN sources ON sources.id = source_id ORDER BY domain, theme"


@pytest.mark.parametrize(
    ("name", "theme"),
    [
        ("05-knowledge-management.md", "knowledge-management"),
        ("AI Agents.md", "ai-agents"),
        ("2025-03-01_rate limits.md", "rate-limits"),
        ("notes/caching.md", "caching"),
        ("3d-printing.md", "3d-printing"),
        ("http-2-servers.md", "http-2-servers"),
        ("_draft.md", "draft"),
        ("2025.md", "2025"),
        ("écologie.md", "écologie"),
        ("", ""),
    ],
)
def test_the_theme_of_a_file(name: str, theme: str) -> None:
    """Its name without ending and number in front, in lower case, hyphens between words."""
    assert extract_theme_from_filename(name) == theme


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("A [link](https://a.org/x) and [one](https://b.org/y 'its title').", ["https://a.org/x", "https://b.org/y"]),
        ("<https://a.org/x> and [1]: https://b.org/y", ["https://a.org/x", "https://b.org/y"]),
        (
            "See https://a.org/x, https://b.org/y. (or https://c.org/z!)",
            [f"https://{x}" for x in ("a.org/x", "b.org/y", "c.org/z")],
        ),
        ("| https://a.org/x|`https://b.org/y`|", ["https://a.org/x", "https://b.org/y"]),
        ("**https://a.org/x** *https://b.org/y*", ["https://a.org/x", "https://b.org/y"]),
        ("[https://a.org](https://a.org)", ["https://a.org"]),
        ("[x](https://en.wikipedia.org/wiki/A_(b)) y", ["https://en.wikipedia.org/wiki/A_(b)"]),
        ("(https://a.org/f(x).)", ["https://a.org/f(x)"]),
        ("```\ncurl HTTPS://A.org/x?a=1&b=2#c\n```", ["HTTPS://A.org/x?a=1&b=2#c"]),
        ('<a href="http://a.org/x">', ["http://a.org/x"]),
        ("https://a.org/x\u201d \u00bb", ["https://a.org/x"]),
        ("ftp://a.org mailto:x@a.org a.org https:// http://.", []),
        ("", []),
    ],
)
def test_addresses_of_a_text(text: str, urls: list[str], tmp_path: Path) -> None:
    """However Markdown holds them; brackets, quotes and punctuation around them are not theirs."""
    assert found(tmp_path, text) == urls


URLS = st.builds(
    "https://{}.org/{}".format,
    st.text("abcdef", min_size=1),
    st.lists(st.text("abc123-%=", min_size=1), max_size=3).map("/".join),
)


@given(
    urls=st.lists(URLS, unique=True, max_size=5),
    form=st.sampled_from(["{}\n", "- [t]({})\n", "({}), ", "<{}>|", "`{}`;\n"]),
)
def test_every_address_is_found(urls: list[str], form: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each with the text around it left out."""
    assert found(tmp_path_factory.getbasetemp() / "notes", "".join(map(form.format, urls))) == urls


def test_what_is_kept_of_an_address(tmp_path: Path) -> None:
    """Domain, pattern, theme, file and line; twice in one line is once."""
    file = notes(
        tmp_path, **{"02_web": "# Web\n\nhttps://github.com/a/b/issues https://github.com/a/b/issues\nhttps://x.org\n"}
    )
    path = str(file / "02-web.md")
    assert parse_research_file(Path(path)) == ParseResult(
        path,
        "web",
        [
            ParsedSource("github.com", "https://github.com/a/b/issues", "/a/b/*", "web", path, 3),
            ParsedSource("x.org", "https://x.org", None, "web", path, 4),
        ],
    )


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    """One sentence each with the line; the rest of the file is used."""
    file = tmp_path / "notes.md"
    file.write_bytes(
        b"\xef\xbb\xbfhttps://a.org\nhttps://b.org \xff\nhttp://localhost:80/x\nhttp://127.0.0.1/\nhttps://c.org\n"
    )
    result = parse_research_file(file)
    assert [source.url for source in result.sources] == ["https://a.org", "https://c.org"]
    assert [error.removeprefix(f"{file}, ") for error in result.errors] == [
        "line 2: not UTF-8, left out",
        "line 3: http://localhost:80/x has no domain, left out",
        "line 4: http://127.0.0.1/ has no domain, left out",
    ]


@pytest.mark.parametrize("name", ["none.md", "."])
def test_a_file_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    """An error of the result, not an exception."""
    result = parse_research_file(tmp_path / name)
    assert result.sources == []
    (error,) = result.errors
    assert "cannot be read" in error


def test_the_files_of_a_directory(tmp_path: Path) -> None:
    """In the order of their names, by the pattern; folders and other files are left alone."""
    folder = notes(tmp_path / "n", b="https://b.org", a="https://a.org")
    (folder / "c.txt").write_text("https://c.org")
    (folder / "d.md").mkdir()
    assert [result.theme for result in scan_research_directory(folder)] == ["a", "b"]
    assert [result.theme for result in scan_research_directory(folder, "*.txt")] == ["c"]
    assert scan_research_directory(tmp_path / "none") == []


def test_the_directory_of_spec_kit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is the one in the home directory when none is given."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".speckit").mkdir()
    notes(tmp_path / ".speckit/research", web="https://a.org")
    (result,) = scan_research_directory()
    assert [source.domain for source in result.sources] == ["a.org"]


def test_domain_and_pattern_of_an_address() -> None:
    """As everywhere; no domain is None here."""
    assert extract_domain("https://A.org:80/x") == "a.org"
    assert extract_domain("http://localhost/x") is extract_domain("") is None
    assert extract_url_pattern("https://github.com/a/b") == "/a/b/*"


def test_an_import(db: Database, tmp_path: Path) -> None:
    """One source for each domain and pattern, a seed from the first file, with the themes of all files."""
    folder = notes(
        tmp_path / "n",
        a="https://github.com/a/b\nhttps://github.com/a/b/issues\nhttps://x.org/1\nhttp://localhost/",
        b="https://x.org/2\nhttps://github.com/c/d",
    )
    assert import_research(db, scan_research_directory(folder)) == {
        "status": "success",
        "imported": 3,
        "updated": 0,
        "skipped": 0,
        "errors": [f"{folder / 'a.md'}, line 4: http://localhost/ has no domain, left out"],
        "themes": ["a", "b"],
        "dry_run": False,
    }
    a, b = str(folder / "a.md"), str(folder / "b.md")
    assert rows(db, SOURCES) == [
        ("github.com", "/a/b/*", 1, a, "hub"),
        ("github.com", "/c/d/*", 1, b, "hub"),
        ("x.org", None, 1, a, "unclassified"),
    ]
    assert rows(db, THEMES) == [("github.com", "a"), ("github.com", "b"), ("x.org", "a"), ("x.org", "b")]


def test_files_below_home_are_named_from_there(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As 0.3 named them, wherever the command was started."""
    monkeypatch.setenv("HOME", str(tmp_path))
    notes(tmp_path / "n", a="https://x.org")
    monkeypatch.chdir(tmp_path)
    import_research(db, scan_research_directory(Path("n")))
    assert rows(db, SOURCES) == [("x.org", None, 1, "~/n/a.md", "unclassified")]


def test_a_second_import_changes_nothing(db: Database, tmp_path: Path) -> None:
    """What is known is skipped; a new theme of a known source is an update."""
    folder = notes(tmp_path / "n", a="https://x.org https://y.org")
    import_research(db, scan_research_directory(folder))
    before = rows(db, "SELECT * FROM sources")
    again = import_research(db, scan_research_directory(folder))
    assert (again["imported"], again["updated"], again["skipped"]) == (0, 0, 2)
    notes(folder, b="https://x.org")
    more = import_research(db, scan_research_directory(folder))
    assert (more["imported"], more["updated"], more["skipped"]) == (0, 1, 1)
    assert rows(db, "SELECT * FROM sources") == before
    assert rows(db, THEMES) == [("x.org", "a"), ("x.org", "b"), ("y.org", "a")]


def add_source(db: Database, source_id: str, origin: str | None = None) -> None:
    with raw.connection(db.db_path) as opened:
        opened.execute(
            "INSERT INTO sources(id, domain, created_at, is_seed, seed_origin, role)"
            " VALUES (?, 'x.org', '2025-01-01', ?, ?, 'authority')",
            (source_id, origin is not None, origin),
        )
        opened.commit()


@pytest.mark.fault(32)
@pytest.mark.parametrize("force", [False, True])
def test_a_dry_run_writes_nothing(force: bool, db: Database, tmp_path: Path) -> None:
    """0.3 added themes to known sources: here the file stays the same to the byte, and the counts are those to come."""
    add_source(db, "1")
    results = scan_research_directory(notes(tmp_path / "n", a="https://x.org https://y.org"))
    db.close()
    before = db.db_path.read_bytes()
    db.init()
    dry = import_research(db, results, dry_run=True, force=force)
    db.close()
    assert db.db_path.read_bytes() == before
    db.init()
    assert import_research(db, results, force=force) == {**dry, "dry_run": False}
    assert (dry["imported"], dry["updated"], dry["dry_run"]) == (1, 1, True)


def test_known_sources_keep_their_standing_unless_forced(db: Database, tmp_path: Path) -> None:
    """They get the themes; to become seeds has to be asked for. Of two rows of one source the first id is meant."""
    add_source(db, "2")
    add_source(db, "1")
    results = scan_research_directory(notes(tmp_path / "n", a="https://x.org"))
    assert import_research(db, results)["updated"] == 1
    standing = "SELECT id, is_seed, seed_origin, role FROM sources ORDER BY id"
    assert rows(db, standing) == [("1", 0, None, "authority"), ("2", 0, None, "authority")]
    assert rows(db, "SELECT source_id, theme FROM source_themes") == [("1", "a")]
    assert import_research(db, results)["skipped"] == 1
    assert import_research(db, results, force=True)["updated"] == 1
    origin = str(tmp_path / "n/a.md")
    assert rows(db, standing) == [("1", 1, origin, "authority"), ("2", 0, None, "authority")]
    assert import_research(db, results, force=True)["skipped"] == 1


def test_an_import_is_one_query_and_one_batch(tmp_path: Path) -> None:
    """However many addresses there are."""
    backend = CountingBackend(tmp_path / "k.db")
    register_backend("database", backend)
    lines = "".join(f"https://site{number}.org/a/b/c{number}\n" for number in range(500))
    results = scan_research_directory(notes(tmp_path / "n", a=lines, b=lines))
    with Database(tmp_path / "k.db") as db:
        db.set_metadata("prepared", "yes")
        backend.reset()
        assert import_research(db, results)["imported"] == 500
        # besides, one small query asks before a write whether contexts wait to be read
        assert (backend.calls["fetch_all"], backend.calls["fetch_one"]) == (1, 1)
        assert (backend.calls["execute_batch"], backend.calls["execute"]) == (1, 0)
        backend.reset()
        assert import_research(db, results)["skipped"] == 500
        assert (backend.calls["execute_batch"], backend.calls["execute"]) == (0, 0)


def test_a_source_added_meanwhile_is_not_added_twice(db: Database, tmp_path: Path) -> None:
    """Nothing in the schema makes it unique: the batch itself looks again."""
    results = scan_research_directory(notes(tmp_path / "n", a="https://x.org"))
    with Database(db.db_path) as other:
        import_research(other, results)
    before = rows(db, "SELECT * FROM sources")
    late = ResearchSource(SourceKey("x.org", None), "later.md", is_new=True, as_seed=False, themes=["b"])
    Research(db.store.session).store([late])
    assert rows(db, "SELECT * FROM sources") == before
    assert rows(db, THEMES) == [("x.org", "a"), ("x.org", "b")]


def test_nothing_to_import(db: Database) -> None:
    """No file, or files without an address: counts of 0."""
    empty = import_research(db, [])
    assert (empty["imported"], empty["themes"], empty["errors"]) == (0, [], [])
    assert import_research(db, [ParseResult("a.md", "a")])["imported"] == 0
