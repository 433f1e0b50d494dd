"""What a search finds, whatever was typed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases
from support.chance import seeded

from rekall.db import Database
from rekall.infra import ServiceContainer
from rekall.models import Entry, StructuredContext
from rekall.store.query import MAX_TERMS, parse_query

AWKWARD = [
    *("C++", "user-id", "what is this?", "foo(bar)", "'", '"', "*", "\0", "😀", "x" * 10_000, "word " * 2_000),
    *(
        "",
        " ",
        "\t\n",
        "AND",
        "OR",
        "NOT",
        "NEAR",
        "NEAR(",
        "NEAR(a b, 5",
        "NEAR()",
        "a AND",
        "AND a",
        "a NOT",
        "NOT a",
    ),
    *('"unbalanced', '""', '"" ""', "a:b", "title:", ":title", "title:title:a", "id:x", "rank:x", "-title:a", "{title"),
    *("{title content}:a", "- {title} : a", "^", "^ ^a", "a^b", "a*", "**", "*a", "a * b", "a + b", "a +", "+"),
    *("(", ")", "()", "(a", "a)", "((((((a))))))", "(" * 5_000, ")" * 5_000, "(" * 500 + "a" + ")" * 500, '"' * 9_999),
    *("a OR " * 3_000 + "a", "a NOT " * 400 + "b", "a AND " * 400 + "b", "NEAR(" + "a " * 500 + ")", "- " * 4_000),
    *(
        "\ud800",
        "a\udfffb",
        "\ufeff",
        "\u200b",
        "e\u0301",
        "élève",
        "İ",
        "ﬁ",
        "折り返し",
        "مرحبا",
        "👩‍👩‍👧",
        "\x1a",
        "\x7f",
    ),
    *(
        "100%",
        "[/etc/hosts]",
        "it's",
        "a_b",
        "--x",
        "; DROP TABLE entries",
        "' OR 1=1 --",
        "?",
        "@",
        "#1",
        "$x",
        "a\\b",
    ),
    *(
        "entries_fts",
        "NEAR(a b, 99999999999999999999)",
        "NEAR(a b, -1)",
        "near(a b)",
        "and or not",
        "a:b:c",
        "::",
        "...",
    ),
    *(
        "content: deadlock",
        "TITLE:lock",
        "tags:python OR title:lock",
        "\u00a0",
        "a\u00a0b",
        "a\x1cb",
        "\uff11\uff12",
        "²",
        "Ⅷ",
    ),
]
_PIECES = [
    *("lock", "deadlock", "retry", "the", "é", "折", "😀", "sqlite", "c", "AND", "OR", "NOT", "NEAR", "and", '"', "'"),
    *(
        "(",
        ")",
        "*",
        "^",
        ":",
        "+",
        "-",
        "{",
        "}",
        ",",
        "title",
        "content",
        "tags",
        "id",
        "rank",
        " ",
        "  ",
        "\t",
        "\n",
    ),
    *("5", "99999999", "\0", "\ud800", "\x1a", "\u00a0", "%", "_", "\\", ";", "?", "[", "]", "C++", "user-id", '"a b"'),
    *("cach*", "title:", "NEAR(", "NEAR(lock order, 3)", "x" * 50, "\ufeff", "ẞ", "a.b", "http://x.y/z?q=1"),
]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The sample base of schema 12, prepared for counting; its container outlives a single test."""
    path = databases.unpack("v12.db", tmp_path_factory.mktemp("sample"))
    with Database(path, container=ServiceContainer()) as db:
        db.set_metadata("prepared", "yes")
        yield db


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def ids(db: Database, query: str) -> list[str]:
    return [hit.entry.id for hit in db.search(query, limit=-1, update_access=False)]


def add(db: Database, entry_id: str, title: str, content: str = "", context: StructuredContext | None = None) -> None:
    db.add(Entry(entry_id, title, "bug", content=content), context=context)


@pytest.mark.parametrize("counted", [False, True], ids=["uncounted", "counted"])
def test_awkward_texts_have_an_answer(sample: Database, counted: bool) -> None:
    """Nothing that can be typed or pasted raises, and none of it takes long."""
    for query in AWKWARD:
        started = time.perf_counter()
        assert isinstance(sample.search(query, update_access=counted), list)
        assert time.perf_counter() - started < 5, query[:50]


def generated(chance: Random) -> str:
    """A query: pieces of FTS5's language in any order, or characters of any kind, sometimes very many."""
    kind = chance.random()
    if kind < 0.7:
        return chance.choice(["", " "]).join(chance.choices(_PIECES, k=chance.randint(1, 12)))
    if kind < 0.9:
        return "".join(chr(chance.randrange(0x110000)) for _ in range(chance.randint(1, 20)))
    if kind < 0.999:
        return "".join(chance.choices('ab"*()^:+-{}, \0', k=chance.randint(1, 40)))
    return " ".join(chance.choices(_PIECES, k=chance.randint(500, 2_500)))


def drill(sample: Database, number: int, seed: int) -> None:
    chance = seeded(seed)
    for place in range(number):
        query = generated(chance)
        try:
            hits = sample.search(query, limit=5, update_access=place % 4 == 0)
        except Exception as error:
            raise AssertionError(f"{query!r} raised {error!r}") from error
        assert len(hits) <= 5


def test_generated_queries_never_raise(sample: Database) -> None:
    """Thousands of texts that no person would type."""
    drill(sample, 3_000, 1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_generated_queries_never_raise(sample: Database) -> None:
    """The whole drill."""
    drill(sample, 100_000, 2)


_QUIET = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_any_text = st.text(st.characters(exclude_categories=()), max_size=200)
_word = st.sampled_from(
    ["lock", "deadlock", "retry", "order", "postgresql", "cache", "unicode", "the", "sqlite", "zzz"]
)
_phrase = st.one_of(
    _word,
    _word.map(lambda word: word[:3] + "*"),
    st.lists(_word, min_size=1, max_size=3).map(lambda words: '"' + " ".join(words) + '"'),
    st.tuples(st.sampled_from(["title", "content", "tags", "{title tags}", "- title"]), _word).map(": ".join),
    st.tuples(_word, _word).map(lambda pair: f"NEAR({pair[0]} {pair[1]}, 8)"),
    _word.map(lambda word: "^" + word),
    st.tuples(_word, _word).map(" + ".join),
)
_expression = st.recursive(
    _phrase,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR ", " NOT "]), inner).map("".join),
        st.tuples(_phrase, _phrase).map(" ".join),
        inner.map(lambda text: f"({text})"),
    ),
    max_leaves=8,
)


@_QUIET
@given(query=_any_text)
def test_any_text_has_an_answer(sample: Database, query: str) -> None:
    """Hypothesis looks for a text that raises, in `search` and in `parse_query`."""
    assert isinstance(sample.search(query, update_access=False), list)
    parsed = parse_query(query)
    assert len(parsed.words) <= MAX_TERMS


@_QUIET
@given(query=_expression)
def test_what_fts5_understands_means_the_same(sample: Database, query: str) -> None:
    """For a valid FTS5 expression the hits in title, content and tags are those of FTS5, in its order and first."""
    with closing(sqlite3.connect(sample.db_path)) as raw:
        wanted = raw.execute(
            "SELECT id FROM entries_fts WHERE entries_fts MATCH ? ORDER BY rank, rowid", (query,)
        ).fetchall()
    for counted in (False, True):
        hits = sample.search(query, limit=-1, include_obsolete=True, update_access=counted)
        exact = [hit.entry.id for hit in hits if hit.matched == "entry"]
        assert exact == [row[0] for row in wanted]
        assert [hit.entry.id for hit in hits][: len(exact)] == exact


def test_whatever_fts5_accepts_comes_first(sample: Database) -> None:
    """Pieces in any order that happen to be valid FTS5: its hits are ours, before all others and in its order."""
    chance = seeded(3)
    valid = 0
    with closing(sqlite3.connect(sample.db_path)) as raw:
        while valid < 400:
            query = " ".join(chance.choices(_PIECES, k=chance.randint(1, 7)))
            if "\0" in query or "\ud800" in query or query.lstrip().startswith("*"):
                continue  # the driver refuses it, SQLite reads half of it, or FTS5 takes it for a command
            try:
                wanted = raw.execute(
                    "SELECT id FROM entries_fts WHERE entries_fts MATCH ? ORDER BY rank, rowid", (query,)
                ).fetchall()
            except sqlite3.OperationalError:
                continue
            valid += 1
            hits = sample.search(query, limit=-1, include_obsolete=True, update_access=False)
            assert [hit.entry.id for hit in hits][: len(wanted)] == [row[0] for row in wanted], query


@_QUIET
@given(wanted=_word, unwanted=_phrase)
def test_no_entry_that_not_excludes(sample: Database, wanted: str, unwanted: str) -> None:
    """Neither its text nor its context brings back an entry whose text was excluded."""
    query = f"{wanted} NOT {unwanted}"
    excluded = {
        hit.entry.id
        for hit in sample.search(unwanted, limit=-1, include_obsolete=True, update_access=False)
        if hit.matched == "entry"
    }
    for counted in (False, True):
        hits = sample.search(query, limit=-1, include_obsolete=True, update_access=counted)
        assert not excluded & {hit.entry.id for hit in hits}


@_QUIET
@given(query=st.one_of(_expression, st.lists(_word, min_size=1, max_size=5).map(" ".join)), limit=st.integers(1, 8))
def test_a_limit_cuts_the_same_list(sample: Database, query: str, limit: int) -> None:
    """Fewer hits are the first of more hits, and counting changes neither hits nor order."""
    everything = sample.search(query, limit=-1, update_access=False)
    for counted in (False, True):
        assert [hit.entry.id for hit in sample.search(query, limit=limit, update_access=counted)] == [
            hit.entry.id for hit in everything
        ][:limit]


def test_words_and_operators_mean_what_0_3_users_typed(db: Database) -> None:
    """Phrase, prefix, OR, NOT, column, and plain words."""
    add(db, "A", "Deadlock in billing", "two rows, opposite order")
    add(db, "B", "Billing rounding", "the order of operations")
    add(db, "C", "Cache key", "caching the opposite")
    assert ids(db, '"opposite order"') == ["A"]
    assert set(ids(db, "cach*")) == {"C"}
    assert set(ids(db, "deadlock OR rounding")) == {"A", "B"}
    assert ids(db, "billing NOT deadlock") == ["B"]
    assert ids(db, "title:order") == []
    assert set(ids(db, "content:order")) == {"A", "B"}
    assert ids(db, "opposite order")[0] == "A"
    assert ids(db, "NEAR(rows order, 3)") == ["A"]
    assert ids(db, '"..." NOT deadlock') == []
    assert set(ids(db, '"..." OR deadlock')) == {"A"}


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("C++", "A"),
        ("user-id", "B"),
        ("what is this?", "C"),
        ("foo(bar)", "D"),
        ("it's", "E"),
        ("[/etc/hosts]", "F"),
        ('"unbalanced', "G"),
        ("a:b", "H"),
        ("100%", "I"),
        ("élève", "J"),
        ("eleve", "J"),
    ],
)
def test_texts_that_made_0_3_raise_find_what_they_say(db: Database, query: str, found: str) -> None:
    """Punctuation separates words, as it did when they were stored."""
    for entry_id, title in zip(
        "ABCDEFGHIJ",
        [
            *("C++ ABI break", "user-id is null", "what is this error", "call foo(bar)", "it's alive"),
            *("the [/etc/hosts] file", "unbalanced quotes", "key a:b of the map", "disk at 100%", "Recherche d'élève"),
        ],
        strict=True,
    ):
        add(db, entry_id, title)
    assert ids(db, query)[0] == found


@pytest.mark.fault(14)
def test_an_entry_is_found_by_its_context_and_after_those_found_by_their_text(db: Database) -> None:
    """Situation, solution, what failed, keywords and error messages; a hit tells what it matched."""
    context = StructuredContext(
        "the walrus situation", "the narwhal solution", ["ocelot"], what_failed="a badger", error_messages=["E_LYNX"]
    )
    add(db, "A", "nothing of it", context=context)
    for word in ("walrus", "narwhal", "ocelot", "badger", "E_LYNX", "lynx", "walrus narwhal", "walr*", '"the walrus"'):
        for counted in (False, True):
            (hit,) = db.search(word, update_access=counted)
            assert (hit.entry.id, hit.matched) == ("A", "context"), word
    add(db, "B", "a walrus in the title")
    assert [(hit.entry.id, hit.matched) for hit in db.search("walrus")] == [("B", "entry"), ("A", "context")]
    assert ids(db, "title:walrus") == ["B"]
    assert ids(db, "walrus NOT title") == ["A"]


def test_some_of_the_words_are_better_than_nothing(db: Database) -> None:
    """After those that have all words, entries that have some of them; never when operators were typed."""
    add(db, "A", "alpha beta gamma")
    add(db, "B", "alpha beta")
    add(db, "C", "gamma", context=StructuredContext("about delta", "about delta", ["delta"]))
    matched = {hit.entry.id: hit.matched for hit in db.search("alpha beta gamma")}
    assert matched == {"A": "entry", "B": "some", "C": "some"}
    assert ids(db, "alpha AND beta AND gamma NOT zeta") == ["A"]
    assert ids(db, '"alpha beta gamma"') == ["A"]
    assert ids(db, "omega delta") == ["C"]


@pytest.mark.parametrize("limit", [0, 1, 2, 10, -1])
def test_limits(db: Database, limit: int) -> None:
    """0 is none, a negative number no limit."""
    for number in range(5):
        add(db, str(number), "same words here")
    wanted = {0: 0, 1: 1, 2: 2}.get(limit, 5)
    assert len(db.search("same words", limit=limit)) == wanted
    assert len(db.search("same words", limit=limit, update_access=False)) == wanted


def test_hits_with_some_of_the_words_are_not_counted(db: Database) -> None:
    """Only what satisfies the whole query counts as looked at."""
    add(db, "WHOLE", "cache key rotation")
    add(db, "SOME", "cache eviction")
    assert ids(db, "cache rotation") == ["WHOLE", "SOME"]
    db.search("cache rotation")
    counts = {entry.id: entry.access_count for entry in db.list_all()}
    assert counts["WHOLE"] > 0
    assert counts["SOME"] == 0


def test_long_questions_stay_quick(sample: Database) -> None:
    """A pasted log of 10,000 different words answers from its first words."""
    text = " ".join(f"word{number}" for number in range(10_000))
    started = time.perf_counter()
    assert sample.search(text) == []
    assert sample.search("deadlock " + text)
    assert time.perf_counter() - started < 5


def test_uncounted_searches_of_a_base_that_only_0_3_wrote_find_contexts(tmp_path: Path) -> None:
    """Without the index of contexts, and with it: the same hits in the same order."""
    path = databases.unpack("v12.db", tmp_path)
    queries = ["deadlock", "poison message", "lag", "heartbeats", "unicode normalisation", "locking NOT trigger"]
    with Database(path) as db:
        without = {
            query: [(hit.entry.id, hit.matched) for hit in db.search(query, update_access=False)] for query in queries
        }
        db.set_metadata("now", "prepared")
        for query in queries:
            assert [(hit.entry.id, hit.matched) for hit in db.search(query, update_access=False)] == without[query]
            assert [(hit.entry.id, hit.matched) for hit in db.search(query)] == without[query]
    assert {matched for hits in without.values() for _, matched in hits} == {"entry", "context", "some"}
