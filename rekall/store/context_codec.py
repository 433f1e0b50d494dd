"""The three forms in which a file holds the context of an entry, read and written.

`context_structured` is plain JSON, `context_blob` the same JSON under zlib, `context_compressed` a free text under
zlib (the only form before schema 6). Every version since 7 writes the first two together.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rekall.infra.interfaces import DatabaseBackend, Row, Statement, Value
from rekall.models import StructuredContext

FORMS = ("context_structured", "context_blob", "context_compressed")
"""The columns of a context."""
_AT_ONCE = 100
"""Words that one statement stores."""
_SURROGATE = re.compile("[\ud800-\udfff]")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What a stored context raises that is not the JSON object it should be."""


def compress_context(text: str) -> bytes:
    """zlib, level 6, of the UTF-8 text."""
    return zlib.compress(text.encode("utf-8"), 6)


def decompress_context(data: bytes) -> str:
    """The text that `compress_context` packed.

    Raises:
        zlib.error: not zlib data.
        UnicodeDecodeError: not UTF-8.
    """
    return zlib.decompress(data).decode("utf-8")


def read_text(blob: bytes | None) -> str | None:
    """The text under zlib, None when there is none or it cannot be read."""
    if blob is None:
        return None
    try:
        return decompress_context(blob)
    except (zlib.error, UnicodeDecodeError):
        return None


def read_structured(row: Row) -> StructuredContext | None:
    """The structured context in `context_blob` or else `context_structured`; None when neither can be read."""
    for text in (read_text(row.get("context_blob")), row.get("context_structured")):
        if text:
            try:
                return StructuredContext.from_json(text)
            except UNREADABLE:
                continue  # unreadable here: the other form may be whole
    return None


def has_context(row: Mapping[str, Any]) -> bool:
    """Whether any of the three forms is there; a column that is left out is not."""
    return any(row.get(form) is not None for form in FORMS)


def same_context(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two rows say the same, in whatever form."""
    return _content(one) == _content(other) or _loaded(one) == _loaded(other)


def searchable(row: Row) -> dict[str, str | None]:
    """What is searched of a context, by column of `rekall_context_fts`, from all three forms of a row."""
    data: dict[str, Any] = {}
    for text in (row["context_structured"], read_text(row["context_blob"])):
        try:
            loaded = json.loads(text) if text else None
        except ValueError:
            loaded = None
        if isinstance(loaded, dict):
            data = loaded
            break
    return _searchable(data, read_text(row["context_compressed"]))


def index_statement(entry_id: str, context: StructuredContext | None, text: str | None) -> Statement:
    """The statement that puts a context into the full-text table, in front of the one that stores its entry.

    The trigger leaves an entry alone that was indexed just before it. After it, a free text, which SQL cannot read,
    would be put into a row that is there, and at each such change FTS5 writes out all that it has gathered.
    """
    texts = {"id": entry_id, **_searchable({} if context is None else context.to_dict(), text)}
    columns = ", ".join(texts)
    return Statement(f"INSERT INTO rekall_context_fts({columns}) VALUES (:{columns.replace(', ', ', :')})", texts)


def structured_statements(
    entry_id: str, context: StructuredContext, *, expect: int | None = None
) -> Iterator[Statement]:
    """Statements that store a structured context of an entry and replace its keywords.

    Args:
        expect: guard on the entry's row.
    """
    yield Statement(
        "UPDATE entries SET context_structured = ?, context_blob = ? WHERE id = ?",
        (*structured_values(context).values(), entry_id),
        expect,
    )
    yield Statement("DELETE FROM context_keywords WHERE entry_id = ?", (entry_id,))
    yield from keyword_statements(entry_id, context)


def structured_values(context: StructuredContext) -> dict[str, Value]:
    """The columns that hold a structured context."""
    text = context.to_json()
    return {"context_structured": text, "context_blob": compress_context(text)}


def keyword_statements(entry_id: str, context: StructuredContext) -> Iterator[Statement]:
    """Statements that store the keywords of a context, of an entry that has none yet."""
    return pair_statements("INSERT INTO context_keywords(entry_id, keyword)", entry_id, context.trigger_keywords)


def pair_statements(insertion: str, entry_id: str, words: Iterable[str]) -> Iterator[Statement]:
    """Statements that store words of an entry, each once: mostly one for all.

    Args:
        insertion: `INSERT INTO` a table, with the columns of the entry and of the word.
        entry_id: the entry.
        words: in the order of their storing.
    """
    different = list(dict.fromkeys(words))
    for start in range(0, len(different), _AT_ONCE):
        some = different[start : start + _AT_ONCE]
        params = [value for word in some for value in (entry_id, word)]
        yield Statement(f"{insertion} VALUES {', '.join(['(?, ?)'] * len(some))}", params)


def compression_statements(
    backend: DatabaseBackend, *, has_blob: bool = True, excerpts: bool = False
) -> Iterator[Statement]:
    """Statements that give every plain JSON context its compressed form and its keywords, each guarded by its JSON.

    A row that cannot be read is left as it is.

    Args:
        has_blob: the file already has the column for the compressed form.
        excerpts: an older free text becomes the conversation excerpt where that is empty, as 0.3 did on request.
    """
    missing = "AND context_blob IS NULL" if has_blob else ""
    free_text = "context_compressed" if excerpts else "NULL"
    rows = backend.fetch_all(
        f"SELECT id, context_structured, {free_text} AS free_text FROM entries"
        f" WHERE context_structured IS NOT NULL {missing}"
    )
    for row in rows:
        stored = text = row["context_structured"]
        try:
            context = StructuredContext.from_json(stored)
        except UNREADABLE:
            continue
        if excerpts and not context.conversation_excerpt:
            context.conversation_excerpt = read_text(row["free_text"])
            text = context.to_json()
        yield Statement(
            "UPDATE entries SET context_structured = ?, context_blob = ? WHERE id = ? AND context_structured = ?",
            (text, compress_context(text), row["id"], stored),
            expect=1,
        )
        for keyword in dict.fromkeys(context.trigger_keywords):
            yield Statement(
                "INSERT OR IGNORE INTO context_keywords(entry_id, keyword) VALUES (?, ?)", (row["id"], keyword)
            )


def _content(row: Mapping[str, Any]) -> tuple[str | bytes | None, str | bytes | None]:
    """The structured text and the free one, each packed if it cannot be read otherwise."""
    structured, blob, packed = (row.get(form) for form in FORMS)
    return structured if structured is not None else _unpacked(blob), _unpacked(packed)


def _unpacked(blob: bytes | None) -> str | bytes | None:
    text = read_text(blob)
    return blob if text is None else text


def _loaded(row: Mapping[str, Any]) -> tuple[Any, str | bytes | None]:
    structured, text = _content(row)
    try:
        return json.loads(structured) if structured else structured, text
    except (ValueError, RecursionError):
        return structured, text


def _searchable(data: Mapping[str, Any], text: str | None) -> dict[str, str | None]:
    return {
        "situation": _text(data.get("situation")),
        "solution": _text(data.get("solution")),
        "what_failed": _text(data.get("what_failed")),
        "keywords": _text(data.get("trigger_keywords")),
        "errors": _text(data.get("error_messages")),
        "legacy": text,
    }


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        value = " ".join(str(part) for part in value) or None
    # half of a surrogate pair, which JSON may hold, is no text of a database
    return None if value is None else _SURROGATE.sub("\ufffd", str(value))
