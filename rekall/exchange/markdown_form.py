"""How the fields of an entry look in a Markdown export, and how they are read from it.

What a field looks like is for people: one line, without control characters. Where that does not give the field back
exactly, a comment under the list, which is not displayed, says it as JSON. A value in the comment counts only while
the field still looks as it would make it look: who edits the document edits what is seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rekall.models import VALID_TYPES

HEAD = "# Rekall Export"
HINT = "<!-- rekall: "
HINT_END = " -->"
SHOWN_ONLY = "<!-- rekall: what follows is shown, and not imported -->"
"""Stands between the content of an entry and what else is displayed of it."""
CONTENT = "content"
QUOTED = "quoted"
"""Says that the content stands in a quotation, which is not part of it."""
UNTITLED = "(no title)"

GROUPS = {f"{kind.capitalize()}s": kind for kind in sorted(VALID_TYPES)}
"""The headings of the types."""

_BREAKING = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")
_STARS = 5
_FULL, _EMPTY = "\u2605", "\u2606"
_ESCAPED = {"-": "\\u002d", "<": "\\u003c", ">": "\\u003e"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_BREAKS_OUT = re.compile(r" {0,3}(?:#{1,3}(?:\s|$)|<|[-=*_](?:[ \t]*[-=*_])*[ \t]*$)")
_BREAKS_OUT_OF_CODE = re.compile(r"#{2,3} |<!-- rekall")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_FULL_LINE = re.compile(r"^(?=[^\n])", re.MULTILINE)
_EMPTY_LINE = re.compile(r"^$", re.MULTILINE)
_OUTSIDE = re.compile(r"^(?!>)", re.MULTILINE)
_MARK = re.compile(r"^> ?", re.MULTILINE)
_GOES_ON = re.compile(r"\s|[-+*>](?:\s|$)|\d{1,9}[.)](?:\s|$)")


def one_line(text: str) -> str:
    """A text as one line of a document: line breaks and control characters become blanks."""
    return text.translate(_BREAKING).strip()


def code(text: str) -> str:
    """A text as a code span."""
    return f"`{one_line(text).replace('`', chr(39))}`"


def stars(confidence: int) -> str:
    """Five stars, as many of them filled as the confidence says."""
    return _FULL * confidence + _EMPTY * (_STARS - confidence)


@dataclass(frozen=True)
class Field:
    """One line of the list under a title.

    Args:
        name: of the field of an entry.
        label: what stands in front of it.
        others: labels that are read as well.
        show: the field as it looks, None where no line is written.
        read: the field from how it looks; None where there is no line.
        kinds: what JSON may hold for it; nothing where the look is always exact.
    """

    name: str
    label: str
    others: tuple[str, ...]
    show: Callable[[Any], str | None]
    read: Callable[[str | None], Any]
    kinds: tuple[type, ...] = (str, type(None))


def _read_code(line: str | None) -> str | None:
    return line.strip().strip("`") or None if line is not None else None


def _read_stars(line: str | None) -> int:
    if line is None:
        return 2
    number = re.search(r"[0-5](?:\s*/\s*5)?\s*$", line)
    return int(number[0][0]) if number and _FULL not in line and _EMPTY not in line else min(line.count(_FULL), _STARS)


def _read_tags(line: str | None) -> list[str]:
    return [tag for tag in (each.strip() for each in (line or "").split(", ")) if tag]


FIELDS = (
    Field("id", "ID", (), code, _read_code),
    Field("confidence", "Confidence", (), stars, _read_stars, ()),
    Field("project", "Project", (), lambda value: one_line(value or "") or None, lambda line: line),
    Field("tags", "Tags", (), lambda value: one_line(", ".join(map(one_line, value))) or None, _read_tags, (list,)),
    Field("created_at", "Created", ("date",), str, lambda line: line, ()),
    Field(
        *("status", "Status", ()),
        lambda value: one_line(value) if value != "active" else None,
        lambda line: line or "active",
    ),
    Field(
        *(
            "superseded_by",
            "Replaced by",
            ("superseded by", "superseded_by", "replaced_by", "replaced-by", "successor"),
        ),
        lambda value: code(value) if value is not None else None,
        _read_code,
    ),
)
BY_LABEL = {label.lower(): field for field in FIELDS for label in (field.label, *field.others)}
_KINDS: Mapping[str, tuple[type, ...]] = {
    **{field.name: field.kinds for field in FIELDS},
    "title": (str,),
    CONTENT: (str,),
    QUOTED: (bool,),
}


def shown_title(title: str) -> str:
    """The title as it looks."""
    return one_line(title) or UNTITLED


def is_plain(content: str) -> bool:
    """Whether a content can stand in a document as it is, and neither end its entry nor change what comes after it."""
    lines = content.split("\n")
    if not lines[0].strip() or not lines[-1].strip():
        return False
    fence = ""
    for line in lines:
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not found[2].strip():
                fence = ""
            elif _BREAKS_OUT_OF_CODE.match(line):
                return False
        elif found:
            if found[1][0] == "`" and "`" in found[2]:
                return False  # code in a line, for some readers of Markdown, and a fence for others
            fence = found[1]
        elif _BREAKS_OUT.match(line):
            return False
    return not fence


def has_control(content: str) -> bool:
    """Whether a text holds what programs that pass documents on may change, such as a carriage return."""
    return _CONTROL.search(content) is not None


def goes_on(content: str) -> bool:
    """Whether a content would be displayed as a part of the list before it."""
    return _GOES_ON.match(content) is not None


def quoted(text: str) -> str:
    """A text as a quotation, out of which nothing in it can break."""
    visible = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
    return _EMPTY_LINE.sub(">", _FULL_LINE.sub("> ", visible))


def unquoted(text: str) -> str | None:
    """The text of a quotation; None if some line is outside of it."""
    return None if _OUTSIDE.search(text) else _MARK.sub("", text)


def hint_line(values: Mapping[str, Any]) -> str:
    """The comment that says values exactly."""
    text = json.dumps(values)
    for character, escaped in _ESCAPED.items():
        text = text.replace(character, escaped)
    return f"{HINT}{text}{HINT_END}"


def read_hint(line: str) -> dict[str, Any] | None:
    """The values in such a comment; None if it holds others than the fields take.

    Args:
        line: begins and ends as `hint_line` makes it.
    """
    try:
        found = json.loads(line.strip()[len(HINT) : -len(HINT_END)])
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    for name, value in found.items():
        kinds = _KINDS.get(name)
        if kinds is None or type(value) not in kinds:
            return None
        if isinstance(value, list) and not all(isinstance(each, str) for each in value):
            return None
    return found
