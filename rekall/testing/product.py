"""Checks of a database back end: the main paths of Rekall over it, through the Python API that programs use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from rekall.config import Config
from rekall.db import CURRENT_SCHEMA_VERSION, Database
from rekall.exchange.apply import apply_plan
from rekall.exchange.detect import open_incoming
from rekall.exchange.dump import dumped
from rekall.exchange.export import export_to
from rekall.exchange.limits import Limits
from rekall.exchange.plan import build_plan
from rekall.infra.container import ServiceContainer
from rekall.infra.interfaces import Statement
from rekall.models import Entry, Source, StructuredContext, Suggestion, generate_ulid
from rekall.paths import PathSource, ResolvedPaths
from rekall.testing.contract import broken, contract, holds, same, shown
from rekall.testing.database_frame import DatabaseFrame, settled
from rekall.testing.pressure import THREADS, in_threads

CORS, CACHE, RETRY = (f"01HCONFORMANCE00000000000{n}" for n in (1, 2, 3))
QUERIES = (
    *(
        "",
        " ",
        "cors",
        '"',
        '"cors',
        "cors'",
        "(",
        "cors)",
        "*",
        "cors*",
        "-cors",
        "NOT",
        "NOT cors",
        "AND OR NOT",
        "a OR",
    ),
    *(
        "title:cors",
        "nothing:cors",
        "NEAR(cors safari, 3)",
        "NEAR(",
        "^cors",
        "cors; DROP TABLE entries",
        "100%",
        "_",
        "?",
    ),
    *(
        "C++",
        "node.js",
        "--flag",
        "\\",
        "\x00",
        "\ud800",
        "漢字",
        "🙂",
        "é",
        "a" * 5000,
        "word " * 500,
        ":named",
        "{a b}: c",
    ),
)
"""What people type, and what nobody should."""
_FIRST_SCHEMA = (
    "CREATE TABLE entries (id TEXT PRIMARY KEY, title TEXT NOT NULL, content TEXT, type TEXT NOT NULL, project TEXT,"
    " confidence INTEGER DEFAULT 2, status TEXT DEFAULT 'active', superseded_by TEXT, created_at TEXT NOT NULL,"
    " updated_at TEXT NOT NULL)",
    "CREATE TABLE tags (entry_id TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (entry_id, tag))",
    "INSERT INTO entries(id, title, content, type, created_at, updated_at)"
    " VALUES ('01HCONFORMANCE000000000001', 'An old note', 'from the first schema', 'bug', '2024-01-01', '2024-01-01')",
)


def _entries() -> list[Entry]:
    moment = datetime(2026, 3, 4, 5, 6, 7)
    return [
        Entry(
            CORS,
            "CORS fails in Safari",
            "bug",
            "The préflight request\nlacks credentials 🙂",
            "web",
            ["cors", "http"],
            4,
        ),
        Entry(CACHE, "Cache the preflight", "pattern", "Ten minutes are enough.", None, [], created_at=moment),
        Entry(
            RETRY, "Retry what is transient", "decision", "", "web", ["http"], memory_type="semantic", ease_factor=2.1
        ),
    ]


def _context() -> StructuredContext:
    return StructuredContext(
        "The login page stayed blank on an iPad",
        "Send the credentials header",
        ["Webkit", "iPad"],
        error_messages=["E42 zebra"],
    )


class ProductChecks(DatabaseFrame):
    """A base kept by the back end, from its creation to its export."""

    @contextmanager
    def base(self, folder: Path) -> Iterator[Database]:
        """An open base on a back end made for a folder, resolved by a container as in every program."""
        home = folder / "home"
        paths = ResolvedPaths(home, home, home, home / "knowledge.db", PathSource.DEFAULT)
        container = ServiceContainer(config=lambda: Config(paths=paths))
        container.register("database", lambda: self.made(folder))
        with closing(container), Database(paths.db_path, container=container) as db:
            yield db

    @pytest.fixture
    def filled(self, tmp_path: Path) -> Iterator[Database]:
        """An open base with three entries, one of them with a context."""
        with contract("Rekall can create its base and store three entries"), self.base(tmp_path) as db:
            cors, *others = _entries()
            db.add(cors, context=_context())
            for entry in others:
                db.add(entry)
            yield db

    @contract("Rekall creates its schema in an empty base, whole, and opens it again as it is")
    def test_rekall_creates_its_schema(self, tmp_path: Path) -> None:
        with self.base(tmp_path) as db:
            same(db.get_schema_version(), CURRENT_SCHEMA_VERSION, "the schema version")
            db.init()
            same(db.list_all(), [], "the list of entries")
            db.add(_entries()[0])
            same(db.maintenance.derived_problems(), [], "the list of derived objects that are missing")

    @contract("Rekall stores entries and gives them back: every field, changed, listed, deleted")
    def test_rekall_stores_entries(self, filled: Database) -> None:
        for entry in _entries():
            found = filled.get(entry.id, update_access=False)
            holds(found is not None and found.title == entry.title, f"the entry {entry.id} is {found!r}")
            if found is not None:
                found.created_at, found.updated_at, found.last_accessed = entry.created_at, entry.updated_at, None
                same(sorted(found.tags), sorted(entry.tags), "its tags")
                same({**vars(found), "tags": entry.tags}, vars(entry), "its fields")
        changed = filled.get(CACHE, update_access=False)
        if changed is not None:
            changed.title, changed.tags, changed.project = "Cache it — ünïcödé", ["new", "tag"], "web"
            filled.update(changed)
        again = filled.get(CACHE)
        same(
            (again and again.title, again and sorted(again.tags)), ("Cache it — ünïcödé", ["new", "tag"]), "the change"
        )
        same({entry.id for entry in filled.list_all(project="web")}, {CORS, CACHE, RETRY}, "the entries of a project")
        same([entry.id for entry in filled.list_all(entry_type="bug")], [CORS], "the entries of a type")
        filled.delete(CORS)
        same(filled.get(CORS), None, "the deleted entry")
        same(filled.search("safari"), [], "what a search for it finds")

    @contract("Rekall finds entries by their words, best first, with filters, and counts that they were looked at")
    def test_rekall_finds_by_words(self, filled: Database) -> None:
        for query, wanted in (
            ("safari", [CORS]),
            ("requests credential", [CORS]),
            ('"cache the"', [CACHE]),
            ("retr*", [RETRY]),
        ):
            same([hit.entry.id for hit in filled.search(query)], wanted, f"what the query {query} finds")
        found = filled.search("preflight", update_access=False)
        same({hit.entry.id for hit in found}, {CORS, CACHE}, "what the query preflight finds")
        holds(
            [hit.rank for hit in found] == sorted(hit.rank for hit in found) and found[0].rank < 0, "no order of ranks"
        )
        same([hit.entry.id for hit in filled.search("preflight", entry_type="pattern")], [CACHE], "the hits of a type")
        same(len(filled.search("http", project="web", limit=1)), 1, "the number of hits up to a limit of 1")
        before = filled.get(CORS, update_access=False)
        filled.search("safari")
        after = filled.get(CORS, update_access=False)
        counts = (before and before.access_count + 1, after and after.access_count)
        same(counts[1], counts[0], "the access count after one more search")

    @contract("Rekall keeps the context of an entry, finds the entry by it, and forgets it when it changes")
    def test_rekall_finds_by_context(self, filled: Database) -> None:
        stored = filled.get_structured_context(CORS)
        same(
            stored and stored.to_dict(),
            {**_context().to_dict(), "created_at": stored and stored.created_at.isoformat()},
            "the context",
        )
        for word in ("iPad", "webkit", "zebra", "blank"):
            same(
                [(hit.entry.id, hit.matched) for hit in filled.search(word)], [(CORS, "context")], f"the hits of {word}"
            )
        same([entry.id for entry in filled.search_by_keywords(["ipad"])], [CORS], "what a keyword finds")
        filled.store_structured_context(CORS, StructuredContext("Another situation", "Another solution", ["giraffe"]))
        same(filled.search("zebra"), [], "what a word of the former context finds")
        same([hit.entry.id for hit in filled.search("giraffe")], [CORS], "what a word of the new one finds")
        filled.store_context(CACHE, "a long text " * 500)
        same(filled.get_context(CACHE), "a long text " * 500, "a context that is a text")

    @contract("Rekall answers whatever is typed as a query; an error is never the answer")
    def test_rekall_answers_any_query(self, filled: Database) -> None:
        for query in QUERIES:
            try:
                found = filled.search(query)
            except Exception as error:  # noqa: BLE001  # judged here
                broken(f"the query {shown(query[:20])} raised {type(error).__name__}: {error}", error)
            holds(isinstance(found, list), f"the query {shown(query[:20])} gave {shown(found)}")
        same(len(filled.list_all()), 3, "the number of entries afterwards")

    @contract(
        "Rekall links entries, shows the links from both ends, refuses a second one, and drops them with an entry"
    )
    def test_rekall_links_entries(self, filled: Database) -> None:
        link = filled.add_link(CORS, CACHE, "related", "the same request")
        filled.add_link(RETRY, CORS, "derived_from")
        for again in ((CORS, CACHE, "related"), (CORS, "01HMISSING0000000000000000", "related")):
            try:
                filled.add_link(*again)
            except ValueError:
                continue
            holds(False, f"the link {again} was stored")
        same([each.id for each in filled.get_links(CORS, direction="outgoing")], [link.id], "the outgoing links")
        same(
            {entry.id for entry, _ in filled.get_related_entries(CORS)}, {CACHE, RETRY}, "the entries at the other ends"
        )
        same(filled.count_links_by_direction(CORS), (1, 1), "the links in and out")
        holds("Cache the preflight" in str(filled.render_graph_ascii(CORS)), "a graph without the linked entry")
        same(filled.update_all_centrality_scores(), 3, "the number of scores computed")
        filled.delete(CORS)
        same(filled.get_links(CACHE), [], "the links of the other entry after a deletion")

    @contract("Rekall plans reviews, counts sources and keeps suggestions, saved filters and facts about the base")
    def test_rekall_keeps_everything_else(self, filled: Database) -> None:
        filled.update_review_schedule(CORS, 4)
        reviewed = filled.get(CORS, update_access=False)
        same(
            reviewed and reviewed.next_review is not None and reviewed.next_review > date.today(),
            True,
            "a later review",
        )
        if reviewed is not None:
            reviewed.next_review = date.today() - timedelta(days=3)
            filled.update(reviewed)
        same([item.entry.id for item in filled.get_due_entries()], [CORS], "the entries that are due")
        source = filled.add_source(Source(domain="example.org", url_pattern="/docs/*"))
        filled.add_source_theme(source.id, "http")
        filled.link_entry_to_source(CORS, "url", "https://example.org/docs/cors", source.id)
        same([each.id for each in filled.get_sources_by_theme("http")], [source.id], "the sources of a theme")
        same(filled.count_source_backlinks(source.id), 1, "the citations of the source")
        used = filled.update_source_usage(source.id)
        same(used and used.usage_count, 2, "how often the source was cited or used")
        suggestion = Suggestion(generate_ulid(), "link", [CORS, CACHE], 0.9, "alike")
        filled.add_suggestion(suggestion)
        same(filled.suggestion_exists([CACHE, CORS], "link"), True, "whether the suggestion is there")
        same(filled.update_suggestion_status(suggestion.id, "accepted"), True, "whether it was accepted")
        number = filled.save_filter("mine", {"text_search": "é"})
        same((filled.get_saved_filter_by_id(number) or {}).get("name"), "mine", "the filter that was saved")
        filled.set_metadata("fact", "1")
        filled.set_metadata("fact", "2")
        same(filled.get_metadata("fact"), "2", "a fact that was set twice")

    @contract("what Rekall exports from the base can be imported into an empty one, and is the same there")
    def test_rekall_moves_a_base(self, filled: Database, tmp_path: Path) -> None:
        filled.add_link(CORS, CACHE)
        old = filled.get(CORS, update_access=False)
        if old is not None:  # it names an entry that comes after it in the archive
            old.status, old.superseded_by = "obsolete", CACHE
            filled.update(old)
        archive = tmp_path / "all.rekall.zip"
        with dumped(filled) as dump:
            export_to(archive, dump, "rekall")
        with self.base(tmp_path / "other") as other, closing(open_incoming(archive, Limits())) as incoming:
            report = apply_plan(other, build_plan(other, incoming))
            same(report.added, 3, "the number of imported entries")
            for entry in _entries():
                same(other.get(entry.id, update_access=False), filled.get(entry.id, update_access=False), "an entry")
            hits = other.search("zebra", include_obsolete=True)
            same([hit.entry.id for hit in hits], [CORS], "what a word of an imported context finds")
            same(len(other.get_links(CORS)), 1, "the number of imported links")
            with closing(open_incoming(archive, Limits())) as once_more:
                same(len(build_plan(other, once_more).identical), 3, "the number of entries that are there already")

    @contract("a base is sound after all this: SQLite's own checks, the full-text index, the derived objects")
    def test_rekall_finds_the_base_sound(self, filled: Database) -> None:
        filled.delete(CACHE)
        filled.maintenance.rebuild()
        same(filled.maintenance.integrity_problems(), [], "the list of problems")
        same(filled.maintenance.full_text_health().is_sound, True, "the health of the full-text index")
        same(filled.maintenance.derived_problems(), [], "the list of derived objects that are missing")
        same([hit.entry.id for hit in filled.search("zebra")], [CORS], "what is found after the index was made anew")

    @contract("eight threads add, find and change entries of one base at once, and nothing is lost")
    def test_rekall_is_used_by_many_threads(self, filled: Database) -> None:
        def work(thread: int) -> None:
            for number in range(5):
                words = f"thread{thread} number{number}"
                entry = Entry(generate_ulid(), words, "bug", tags=[f"t{thread}"])
                settled(filled.add, entry)
                found = [hit.entry.id for hit in settled(filled.search, words) if hit.matched == "entry"]
                same(found, [entry.id], "what was just added")
                settled(filled.get, CORS)

        in_threads(work)
        same(len(filled.list_all(limit=1000)), 3 + 5 * THREADS, "the number of entries")
        looked_at = filled.get(CORS, update_access=False)
        holds(looked_at is not None and looked_at.access_count >= 5 * THREADS, "accesses that were not counted")

    @contract("another Rekall that opens the same place later finds everything")
    def test_rekall_finds_it_again(self, tmp_path: Path) -> None:
        self.needs("persistent")
        with self.base(tmp_path) as db:
            db.add(_entries()[0], context=_context())
            with self.base(tmp_path) as meanwhile:
                same([hit.entry.id for hit in meanwhile.search("safari")], [CORS], "what another one finds meanwhile")
        with self.base(tmp_path) as later:
            same([hit.entry.id for hit in later.search("zebra")], [CORS], "what a later one finds")

    @contract("a base of Rekall's first schema is migrated behind a backup of it, where the back end can make one")
    def test_rekall_migrates_an_old_base(self, tmp_path: Path) -> None:
        self.needs("backup")
        self.needs("persistent")
        (tmp_path / "home").mkdir()
        old = self.made(tmp_path)
        old.connect()
        old.execute_batch([Statement(sql) for sql in _FIRST_SCHEMA])
        old.close()
        with self.base(tmp_path) as db:
            saved = db.backup_made
            same([hit.entry.title for hit in db.search("first schema")], ["An old note"], "what is found after it")
            same(db.get_schema_version(), CURRENT_SCHEMA_VERSION, "the schema version")
        holds(saved is not None and saved.stat().st_size > 0, f"the backup {saved}")
