"""Checks of a database back end: it runs SQLite's SQL as far as Rekall speaks it, full-text search included."""

from __future__ import annotations

import json

from rekall.errors import IntegrityError
from rekall.infra.interfaces import DatabaseBackend, Statement
from rekall.testing.contract import contract, holds, same
from rekall.testing.database_frame import DatabaseFrame, nothing_kept, refused

_TOKENIZER = "tokenize = 'porter unicode61'"
_FULL_TEXT = (
    f"CREATE VIRTUAL TABLE texts USING fts5(id UNINDEXED, title, content, {_TOKENIZER})",
    "CREATE INDEX texts_by_id ON texts_content(c0)",
    "CREATE TRIGGER items_ai AFTER INSERT ON items BEGIN"
    " INSERT INTO texts(id, title, content)"
    " VALUES (new.id, json_extract(new.value, '$.t'), json_extract(new.value, '$.c')); END",
    "CREATE TRIGGER items_ad AFTER DELETE ON items BEGIN"
    " DELETE FROM texts WHERE rowid IN (SELECT id FROM texts_content WHERE c0 = old.id); END",
)
_TEXTS = (
    {"t": "CORS in Safari", "c": "The préflight request fails without credentials."},
    {
        "t": "A note",
        "c": "Once, far down in a long text about many other things, CORS is mentioned as well as cookies.",
    },
    {"t": "Caching", "c": "Cache the preflighted request for ten minutes."},
)


class LanguageChecks(DatabaseFrame):
    """The storage language."""

    @contract(
        "foreign keys are on: an orphan is refused, and ON DELETE CASCADE takes the rows of what is deleted along"
    )
    def test_foreign_keys_are_on(self, database: DatabaseBackend) -> None:
        orphan = "INSERT INTO parts VALUES (9, 'orphan')"
        refused("an orphan", IntegrityError, database.execute, orphan)
        refused("an orphan in a batch", IntegrityError, database.execute_batch, [Statement(orphan)])
        database.execute_batch(
            [Statement("INSERT INTO items VALUES (1, 'x')"), Statement("INSERT INTO parts VALUES (1, 'y')")]
        )
        database.execute("DELETE FROM items WHERE id = 1")
        same(database.fetch_all("SELECT * FROM parts"), [], "the rows of the deleted item")

    @contract("PRAGMA defer_foreign_keys = ON lets a batch be checked at its end, and holds for that batch alone")
    def test_foreign_keys_can_wait_for_the_end_of_a_batch(self, database: DatabaseBackend) -> None:
        deferred = Statement("PRAGMA defer_foreign_keys = ON")
        child, parent = (
            Statement("INSERT INTO parts VALUES (5, 'first')"),
            Statement("INSERT INTO items VALUES (5, 'then')"),
        )
        refused("a batch that leaves an orphan", IntegrityError, database.execute_batch, [deferred, child])
        nothing_kept(database, "a batch that leaves an orphan")
        database.execute_batch([deferred, child, parent])
        same(database.fetch_all("SELECT name FROM parts"), [{"name": "first"}], "the rows of the child")
        late = [Statement("INSERT INTO parts VALUES (6, '')"), Statement("INSERT INTO items VALUES (6, '')")]
        refused("the next batch, without the pragma,", IntegrityError, database.execute_batch, late)

    @contract(
        "FTS5 is there: bm25 with weights, snippets, phrases, prefixes, NEAR, boolean queries, filled by triggers"
    )
    def test_full_text_search_works(self, database: DatabaseBackend) -> None:
        database.execute_batch([Statement(sql) for sql in _FULL_TEXT])
        database.execute_batch(
            [Statement("INSERT INTO items (value) VALUES (?)", (json.dumps(each),)) for each in _TEXTS]
        )
        for query, wanted in (
            ("cors", [1, 2]),
            ('"preflight request"', [1, 3]),
            ('"request fails"', [1]),
            ("failing", [1]),
            ("preflight*", [1, 3]),
            ("request NOT cors", [3]),
            ("cookies OR minutes", [2, 3]),
            ("title : cors", [1]),
            ("NEAR(cache request, 5)", [3]),
            ("^caching", [3]),
            ("PRÉFLIGHT", [1, 3]),
            ("absent", []),
        ):
            found = database.fetch_all("SELECT id FROM texts WHERE texts MATCH ? ORDER BY id", (query,))
            same([row["id"] for row in found], wanted, f"what the query {query} found")
        ranked = database.fetch_all(
            "SELECT id, rank, bm25(texts) AS score, snippet(texts, 2, '[', ']', '...', 3) AS part"
            " FROM texts WHERE texts MATCH :q ORDER BY rank LIMIT 10",
            {"q": "cors OR cookies"},
        )
        holds(
            len(ranked) == 2 and ranked[0]["rank"] <= ranked[1]["rank"] < 0 and ranked[0]["score"] == ranked[0]["rank"],
            f"the ranks {[row['rank'] for row in ranked]}, not two negative ones, the best first",
        )
        holds(any("[" in row["part"] for row in ranked), f"the snippets {[row['part'] for row in ranked]}")
        weighted = database.fetch_all(
            "SELECT id FROM texts WHERE texts MATCH 'cors OR cookies' AND rank MATCH 'bm25(0, 1, 0)' ORDER BY rank"
        )
        same([row["id"] for row in weighted], [1, 2], "what was found with a weight for each column")
        counted = database.fetch_all(
            "SELECT value AS word, (SELECT count(*) FROM texts WHERE texts MATCH value) AS n FROM json_each(?)",
            ('["cors", "absent"]',),
        )
        same(counted, [{"word": "cors", "n": 2}, {"word": "absent", "n": 0}], "how many texts hold each word of a list")
        joined = database.fetch_all(
            "SELECT t.rowid AS id, sum(t.rank * json_extract(word.value, '$[1]')) < 0 AS found"
            " FROM json_each(?) AS word CROSS JOIN texts AS t WHERE t.texts MATCH json_extract(word.value, '$[0]')"
            " GROUP BY t.rowid ORDER BY id",
            ('[["cors", 1], ["cookies", 2.5]]',),
        )
        same(joined, [{"id": 1, "found": 1}, {"id": 2, "found": 1}], "what each word of a list with weights found")
        database.execute("DELETE FROM items WHERE id = 1")
        left = database.fetch_all("SELECT id FROM texts WHERE texts MATCH 'cors'")
        same(left, [{"id": 2}], "what is found after a deletion")
        database.execute("INSERT INTO texts(texts) VALUES ('optimize')")

    @contract("SQLite's JSON functions are there: json_each of a parameter, json_extract, json_group_array, json_valid")
    def test_json_functions_work(self, database: DatabaseBackend) -> None:
        database.execute_batch(
            [Statement("INSERT INTO items VALUES (?, ?)", (n, f'{{"a": [{n}, "é"]}}')) for n in range(4)]
        )
        listed = (
            "SELECT json_group_array(id) AS ids FROM"
            " (SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id)"
        )
        same(database.fetch_one(listed, ("[3, 1, 99]",)), {"ids": "[1,3]"}, "the ids that a list in JSON named")
        inside = "SELECT json_extract(value, '$.a[0]') AS n, json_extract(value, '$.a[1]') AS t FROM items WHERE id = 2"
        same(database.fetch_one(inside), {"n": 2, "t": "é"}, "what json_extract gave")
        valid = "SELECT json_valid(?) AS yes, json_valid(?) AS no"
        same(database.fetch_one(valid, ("{}", "{")), {"yes": 1, "no": 0}, "what json_valid gave")

    @contract(
        "UPSERT, INSERT OR IGNORE, UPDATE FROM, materialized WITH, partial indexes and ALTER TABLE ADD COLUMN work"
    )
    def test_newer_sql_works(self, database: DatabaseBackend) -> None:
        whole = "SELECT * FROM parts"
        same(database.fetch_all(whole), [], "the rows before there was another column")
        upsert = "INSERT INTO items VALUES (1, ?) ON CONFLICT(id) DO UPDATE SET value = items.value || excluded.value"
        database.execute_batch(
            [
                Statement(upsert, ("a",)),
                Statement(upsert, ("b",)),
                Statement("INSERT OR IGNORE INTO items VALUES (1, 'ignored'), (2, 'two')"),
                Statement("INSERT INTO items VALUES (2, 'ignored') ON CONFLICT DO NOTHING", expect=0),
                Statement("CREATE INDEX some ON items(value) WHERE value IS NOT NULL"),
                Statement("ALTER TABLE parts ADD COLUMN more TEXT DEFAULT 'later'"),
                Statement("INSERT INTO parts (item_id, name) VALUES (2, 'part')"),
                Statement("UPDATE parts SET name = items.value FROM items WHERE items.id = parts.item_id"),
            ]
        )
        rows = database.fetch_all(
            "WITH best(id, n) AS MATERIALIZED (SELECT id, length(value) FROM items)"
            " SELECT items.value AS v, parts.name, parts.more FROM best CROSS JOIN items ON items.id = best.id"
            " LEFT JOIN parts ON parts.item_id = items.id ORDER BY best.n"
        )
        same(
            database.fetch_all(whole), [{"item_id": 2, "name": "two", "more": "later"}], "the rows with the new column"
        )
        wanted = [{"v": "ab", "name": None, "more": None}, {"v": "two", "name": "two", "more": "later"}]
        same(rows, wanted, "the rows of the query")

    @contract("the schema can be looked at: sqlite_master, pragma_table_info, user_version, and the integrity checks")
    def test_the_schema_can_be_looked_at(self, database: DatabaseBackend) -> None:
        database.execute_batch([Statement("PRAGMA user_version = 12")])
        version = database.fetch_one("SELECT user_version FROM pragma_user_version")
        same(version, {"user_version": 12}, "user_version after a batch that set it")
        columns = database.fetch_all("SELECT name FROM pragma_table_info(?)", ("items",))
        same([row["name"] for row in columns], ["id", "value"], "the list of columns")
        sound = database.fetch_all("PRAGMA integrity_check(10)")
        same([text for row in sound for text in row.values()], ["ok"], "what the integrity check gave")
        same(database.fetch_all("PRAGMA foreign_key_check"), [], "what the foreign key check gave")
