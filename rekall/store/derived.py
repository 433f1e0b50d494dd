"""What Rekall keeps beside the shared tables: all of it is derived, named `rekall_*`, and can be rebuilt at any time.

- An index on the full-text table's own content table, and the three triggers of 0.3 rewritten to use it. 0.3.0 finds
  a full-text row by its unindexed id, a scan of the whole index at every write; its `CREATE TRIGGER IF NOT EXISTS`
  leaves ours in place, and they fire in its connection as well.
- A full-text table of the contexts, filled by triggers from the plain JSON that every version writes. A context that
  exists only compressed cannot be read in SQL: the trigger marks it, and the next writer fills it in. Who adds an entry
  with its context at hand puts it there first, and the trigger has nothing to do.
- An index on `superseded_by`, without which deleting an entry scans all entries for the foreign key.
- Stamps of the vectors, of the entries and of all that a search looks at: triggers renew them whenever any program
  writes, so what was made of it is current as long as its stamp is there. They are random: a counter would come to the
  same number twice in a base that was put back from a backup, and in two copies of one. Beside them is the identity of
  the base, made with these objects and shared with its copies: it finds what is to be replaced, and proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rekall.store.schema import TOKENIZER

CONTEXT_COLUMNS = ("situation", "solution", "what_failed", "keywords", "errors")

_TAGS = "(SELECT group_concat(tag, ' ') FROM tags WHERE entry_id = new.id)"
_ADD_TEXT = f"INSERT INTO entries_fts(id, title, content, tags) VALUES (new.id, new.title, new.content, {_TAGS})"
_REMOVE_TEXT = "DELETE FROM entries_fts WHERE rowid IN (SELECT id FROM entries_fts_content WHERE c0 = old.id)"


def _json_text(key: str, row: str) -> str:
    return f"json_extract({row}.context_structured, '$.{key}')"


def _json_list(key: str, row: str) -> str:
    return f"(SELECT group_concat(value, ' ') FROM json_each({row}.context_structured, '$.{key}'))"


def _context_values(row: str) -> list[str]:
    """SQL for the context columns of an entries row, NULL where its JSON is absent or malformed."""
    values = [_json_text(key, row) for key in ("situation", "solution", "what_failed")]
    values += [_json_list(key, row) for key in ("trigger_keywords", "error_messages")]
    return [f"CASE WHEN json_valid({row}.context_structured) THEN {value} END" for value in values]


def _has_context(row: str) -> str:
    forms = ("context_structured", "context_blob", "context_compressed")
    return f"({' OR '.join(f'{row}.{form} IS NOT NULL' for form in forms)})"


def _needs_reading(row: str) -> str:
    """Whether something of the context is only there compressed."""
    return (
        f"({row}.context_compressed IS NOT NULL OR ({row}.context_blob IS NOT NULL"
        f" AND NOT coalesce(json_valid({row}.context_structured), 0)))"
    )


def _add_context(row: str) -> str:
    return (
        f"INSERT INTO rekall_context_fts(id, {', '.join(CONTEXT_COLUMNS)}) SELECT {row}.id, "
        f"{', '.join(_context_values(row))}"
    )


_MARK = "INSERT OR IGNORE INTO rekall_context_pending(id) SELECT {row}.id"
_FIND_CONTEXT = "rowid IN (SELECT id FROM rekall_context_fts_content WHERE c0 = {row}.id)"
_WAS_JUST_INDEXED = "(SELECT c0 FROM rekall_context_fts_content ORDER BY id DESC LIMIT 1) IS new.id"
_REMOVE_CONTEXT = f"DELETE FROM rekall_context_fts WHERE {_FIND_CONTEXT.format(row='old')}"
_UNMARK = "DELETE FROM rekall_context_pending WHERE id = old.id"

_NEW_STAMP = "hex(randomblob(16))"


_ANY = ("INSERT", "UPDATE", "DELETE")
_SEARCHED = (
    *("id", "title", "content", "type", "project", "status", "superseded_by", "memory_type", "updated_at"),
    *("context_structured", "context_blob", "context_compressed"),
)
"""The columns of entries that a search matches, filters or ranks by: all but those of accesses and reviews."""


def _stamping(table: str, stamps: Sequence[str], events: Sequence[str] = _ANY) -> dict[str, str]:
    """The triggers that renew stamps whenever any program writes a table: one for each event, however many stamps.

    Args:
        stamps: columns of `rekall_stamps`; the triggers are named for the first.
    """
    renewed = ", ".join(f"{stamp} = {_NEW_STAMP}" for stamp in stamps)
    named = stamps[0] if len(stamps) > 1 else f"{stamps[0]}_{table}"
    triggers = {f"rekall_{named}_a{event[0].lower()}": event for event in events}
    return {
        name: f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN UPDATE rekall_stamps SET {renewed}; END"
        for name, event in triggers.items()
    }


STAMPING: Mapping[str, str] = {
    **_stamping("embeddings", ("vectors", "search")),
    **_stamping("entries", ("entries", "search"), ("INSERT", f"UPDATE OF {', '.join(_SEARCHED)}", "DELETE")),
    **_stamping("tags", ("search",)),
    **_stamping("links", ("search",)),
}
"""What keeps the stamps current; without all of them these say nothing. Counting an access changes no stamp."""

# In the order of creation. The older text column stays searchable under `legacy`, which only Python can fill.
OBJECTS: Mapping[str, str] = {
    "rekall_fts_id": "CREATE INDEX rekall_fts_id ON entries_fts_content(c0)",
    "entries_ai": f"CREATE TRIGGER entries_ai AFTER INSERT ON entries BEGIN {_ADD_TEXT}; END",
    "entries_ad": f"CREATE TRIGGER entries_ad AFTER DELETE ON entries BEGIN {_REMOVE_TEXT}; END",
    "entries_au": (
        "CREATE TRIGGER entries_au AFTER UPDATE OF id, title, content ON entries"
        f" BEGIN {_REMOVE_TEXT}; {_ADD_TEXT}; END"
    ),
    "rekall_superseded_by": (
        "CREATE INDEX rekall_superseded_by ON entries(superseded_by) WHERE superseded_by IS NOT NULL"
    ),
    "rekall_context_pending": "CREATE TABLE rekall_context_pending (id TEXT PRIMARY KEY)",
    "rekall_context_fts": (
        "CREATE VIRTUAL TABLE rekall_context_fts USING fts5"
        f"(id UNINDEXED, {', '.join(CONTEXT_COLUMNS)}, legacy, {TOKENIZER})"
    ),
    "rekall_context_id": "CREATE INDEX rekall_context_id ON rekall_context_fts_content(c0)",
    "rekall_context_ai": (
        "CREATE TRIGGER rekall_context_ai AFTER INSERT ON entries"
        f" WHEN {_has_context('new')} AND NOT {_WAS_JUST_INDEXED} BEGIN "
        f"{_add_context('new')}; {_MARK.format(row='new')} WHERE {_needs_reading('new')}; END"
    ),
    "rekall_context_au": (
        "CREATE TRIGGER rekall_context_au AFTER UPDATE OF id, context_structured, context_blob, context_compressed"
        f" ON entries WHEN {_has_context('old')} OR {_has_context('new')} BEGIN {_REMOVE_CONTEXT}; {_UNMARK}; "
        f"{_add_context('new')} WHERE {_has_context('new')};"
        f" {_MARK.format(row='new')} WHERE {_needs_reading('new')}; END"
    ),
    "rekall_context_ad": (
        f"CREATE TRIGGER rekall_context_ad AFTER DELETE ON entries WHEN {_has_context('old')} BEGIN "
        f"{_REMOVE_CONTEXT}; {_UNMARK}; END"
    ),
    "rekall_stamps": "CREATE TABLE rekall_stamps (base TEXT, vectors TEXT, entries TEXT, search TEXT)",
    **STAMPING,
}

_KINDS = {"TABLE": "TABLE", "VIRTUAL": "TABLE", "INDEX": "INDEX", "TRIGGER": "TRIGGER"}


def build() -> list[str]:
    """The statements that make all derived objects anew and fill them from the entries."""
    drop = [f"DROP {_KINDS[sql.split()[1]]} IF EXISTS {name}" for name, sql in reversed(list(OBJECTS.items()))]
    fill = [
        f"{_add_context('entries')} FROM entries WHERE {_has_context('entries')}",
        f"{_MARK.format(row='entries')} FROM entries WHERE {_needs_reading('entries')}",
        f"INSERT INTO rekall_stamps VALUES ({', '.join([_NEW_STAMP] * 4)})",
    ]
    return [*drop, *OBJECTS.values(), *fill]


def rebuild_full_text() -> list[str]:
    """The statements that fill the shared full-text table anew from the entries and their tags."""
    tags = "(SELECT group_concat(tag, ' ') FROM tags WHERE entry_id = entries.id)"
    return [
        "DELETE FROM entries_fts",
        f"INSERT INTO entries_fts(id, title, content, tags) SELECT id, title, content, {tags} FROM entries",
        "INSERT INTO entries_fts(entries_fts) VALUES ('optimize')",
    ]
