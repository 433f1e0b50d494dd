"""One Markdown note as an entry: what its front matter, its first heading and its name say."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rekall.context_extractor import extract_keywords
from rekall.errors import ImportRefusedError
from rekall.exchange import note_values as read
from rekall.exchange.front_matter import split
from rekall.exchange.limits import Limits
from rekall.exchange.note_links import first_heading, inline_tags, prose
from rekall.exchange.note_values import Given
from rekall.models import StructuredContext

LEFT_OVER = "Also in the front matter of the note:"
"""What stands before the keys that an entry has no place for, at the end of its content."""


@dataclass(frozen=True)
class Note:
    """What a note says.

    Args:
        given_id: its own id, empty if it states none.
        title: on one line.
        aliases: other names that links may use.
        values: of the columns of an entry, but for the id; with `tags`.
        plain: its text without code, where its links are.
        superseded_by: the note that it says has taken its place, as it is written.
    """

    given_id: str
    title: str
    aliases: list[str]
    values: dict[str, Any]
    plain: str
    superseded_by: str | None


def decoded(data: bytes, place: str) -> str:
    """The text of a note, with `\\n` as the end of lines.

    Raises:
        ImportRefusedError: it is no UTF-8 text.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ImportRefusedError(f"{place}: is UTF-16 text: save it as UTF-8")
    if b"\0" in data:
        raise ImportRefusedError(f"{place}: is a binary file, not a note: rename it, or leave it out")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ImportRefusedError(f"{place}, line {line}: is not UTF-8 text: save it as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_note(text: str, path: str, modified: str, limits: Limits, *, place: str, vault: bool = False) -> Note:
    """The note that a text is.

    Args:
        text: with `\\n` as the end of lines.
        path: where it is, with `/`; its last part is the title of a note that has no other.
        modified: its time as a base holds times, for a note that states none.
        place: what it is, for messages.
        vault: whether `#words` in the text are tags, as in a vault of Obsidian.

    Raises:
        ImportRefusedError: its front matter is malformed, or it is beyond a limit.
    """
    limits.check("text", len(text), place)
    front, body = split(text, place)
    given = Given(front)
    plain = prose(body)
    title = given.take(read.one_line, "title") or first_heading(body) or _name(path)
    aliases = given.look(read.words, "aliases", "alias") or []
    tags = given.take(read.tags, "tags", "tag") or []
    if vault:
        tags += inline_tags(plain)
    values: dict[str, Any] = {"title": _plain(title), "type": _type(given, tags)}
    values["project"] = given.take(read.one_line, "project")
    values["confidence"] = given.take(read.confidence, "confidence")
    values["status"] = given.take(read.status, "status") or "active"
    if given.take(read.yes_or_no, "draft"):
        tags.append("draft")
    stated, created, updated = _times(given, modified)
    values |= {"created_at": created.isoformat(), "updated_at": updated.isoformat()}
    context = _context(given, values["title"], body, tags, created)
    if context is not None:
        # the time of the file would make it another context whenever the file is copied
        kept = context.to_dict() if stated else {**context.to_dict(), "created_at": None}
        values["context_structured"] = json.dumps(kept)
    values["tags"] = read.clean_tags(tags)
    given_id = given.take(read.one_line, "id") or ""
    superseded_by = given.look(read.reference, "superseded_by", "replaced_by")
    values["content"] = _content(body, given)
    lines = [
        ("title", values["title"]),
        ("project", values["project"] or ""),
        *(("tag", tag) for tag in values["tags"]),
    ]
    for name, line in lines:
        limits.check("line", len(line), f"{place}, its {name}")
    return Note(
        given_id,
        values["title"],
        aliases,
        {name: value for name, value in values.items() if value is not None},
        f"{front.source}\n{plain}" if front.values else plain,
        superseded_by,
    )


def _name(path: str) -> str:
    name = re.sub(r"\.(?:md|markdown)$", "", posixpath.basename(path), flags=re.IGNORECASE)
    return name.strip() or "Untitled"


def _plain(title: str) -> str:
    """A title without control characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in title).split()) or "Untitled"


def _type(given: Given, tags: list[str]) -> str:
    """The type; words that name none become tags."""
    kind = given.look(read.known_type, "type", "kind", "category", "categories")
    for name in ("type", "kind", "category", "categories"):
        tags += [word for word in given.take(read.words, name) or () if read.kind_of(word) is None]
    return kind or "reference"


def _times(given: Given, modified: str) -> tuple[bool, datetime, datetime]:
    """Whether the note says when it was made, when it was made, and when it was last changed."""
    stated = given.take(read.moment, "created_at", "created", "date", "date_created", "creation_date")
    updated = given.take(read.moment, "updated_at", "updated", "modified", "lastmod", "last_modified", "date_modified")
    changed = datetime.fromisoformat(modified)
    created = stated or min(changed, updated or changed)
    return stated is not None, created, max(created, updated or changed)


def _context(given: Given, title: str, body: str, tags: list[str], created: datetime) -> StructuredContext | None:
    """The context, when situation and solution are there; keywords without them are tags."""
    inner = given.look(read.mapping, "context") or {}
    parts: dict[str, Any] = {}
    used: set[str] = set()
    for part, (reader, *names) in _PARTS.items():
        parts[part] = given.look(reader, *names)
        for key, value in inner.items():
            if parts[part] is None and read.key_of(key) in names:
                parts[part] = reader(value)
                used |= {key} if parts[part] else set()
    if parts["situation"] and parts["solution"]:
        stated = parts["trigger_keywords"]
        parts["trigger_keywords"] = stated or read.clean_tags(tags) or extract_keywords(title, body)
        parts |= {"created_at": created.isoformat(), "extraction_method": "manual" if stated else "auto"}
        try:
            context = StructuredContext.from_dict(parts)
        except ValueError:  # too short, or no keyword at all: it stays where a person finds it
            return None
        for reader, *names in _PARTS.values():
            given.take(reader, *names)
        if used == set(inner):
            given.take(read.mapping, "context")
        return context
    tags += given.take(read.words, "keywords") or []
    return None


_PARTS: dict[str, tuple[Any, ...]] = {
    "situation": (read.text, "situation"),
    "solution": (read.text, "solution"),
    "trigger_keywords": (read.words, "keywords", "trigger_keywords"),
    "what_failed": (read.text, "what_failed"),
    "error_messages": (read.texts, "errors", "error_messages"),
    "files_modified": (read.texts, "files", "files_modified"),
}


def _content(body: str, given: Given) -> str:
    """The text, and after it what the front matter says beyond the fields of an entry."""
    content = body.strip("\n").rstrip()
    left = given.left_over()
    if not left:
        return content
    longest = max((len(run) for run in re.findall("`+", left)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n\n".join(part for part in (content, LEFT_OVER, f"{fence}{given.language}\n{left}\n{fence}") if part)
