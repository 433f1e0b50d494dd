"""One thing of the public surface, and the text that holds them all: one line each, sorted, with a heading by kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

HEAD = """\
# The public surface of Rekall, a line for each thing: `tools/api` writes this file, and nobody else.
# A change of it is a change of what people and programs rely on (docs/maintainers.md, "Public API").
"""

SECTIONS = {
    "$ ": "The command line",
    "config.toml ": "config.toml",
    "environment ": "Environment variables",
    "mcp ": "The MCP tools, resources and prompts",
    "distribution ": "What the distribution brings: scripts, extras, groups of entry points, interfaces of back ends",
    "deprecated ": "What is deprecated",
    "": "Python",
}
"""The beginning of the items of a section, and its heading."""

_KIND = re.compile(
    r"(?P<kind>(?:(?:abstract|async|class|settable|static) )*(?:function|method|property)|deprecated name of|name of"
    r"|attribute|(?:frozen )?class|constant|deprecated constant|field|member|module|type"
    r"|argument|command|group|option|key|variable|tool|parameter|prompt|resource"
    r"|script|extra|entry points|interface|row)"
    r"(?: (?P<facts>.*))?$"
)


class Line(NamedTuple):
    """One thing.

    Args:
        item: its name, as a person would write it, such as `rekall.db.Database.add` or `$ rekall search --limit`.
        kind: what it is.
        facts: the rest: a signature, a type, where it leads, or `name=value` pairs.
    """

    item: str
    kind: str
    facts: str = ""

    def __str__(self) -> str:
        return f"{self.item}: {self.kind} {self.facts}".rstrip()


def with_facts(item: str, kind: str, **facts: Any) -> Line:
    """A line whose facts are `name=value` pairs; a value that is None or False is left out."""
    pairs = (
        f"{name}={json.dumps(value, ensure_ascii=False, sort_keys=True)}"
        for name, value in facts.items()
        if value is not None and value is not False
    )
    return Line(item, kind, " ".join(pairs))


def facts_of(line: Line) -> dict[str, Any]:
    """The `name=value` pairs of a line that `with_facts` made."""
    found: dict[str, Any] = {}
    decoder, rest = json.JSONDecoder(), line.facts
    while rest:
        name, _, rest = rest.partition("=")
        found[name], end = decoder.raw_decode(rest)
        rest = rest[end:].lstrip()
    return found


def printed(lines: Iterable[Line]) -> str:
    """The text of a snapshot.

    Raises:
        ValueError: two lines are about one item, or a line would not be read as it was meant.
    """
    ordered: dict[str, list[Line]] = {beginning: [] for beginning in SECTIONS}
    seen: set[str] = set()
    for line in lines:
        if line.item in seen or _read(str(line)) != line:
            raise ValueError(f"this line cannot stand in a snapshot: {line}")
        seen.add(line.item)
        ordered[_section(line.item)].append(line)
    parts = [HEAD]
    for beginning, section in ordered.items():
        if section:
            parts.append("\n".join([f"\n# {SECTIONS[beginning]}\n", *map(str, sorted(section)), ""]))
    return "".join(parts)


def read(text: str) -> Mapping[str, Line]:
    """The lines of a snapshot by their item.

    Raises:
        ValueError: the text is no snapshot; the message names the line.
    """
    lines = [_read(text) for text in text.splitlines() if text and not text.startswith("#")]
    return {line.item: line for line in lines}


def _section(item: str) -> str:
    return next(beginning for beginning in SECTIONS if item.startswith(beginning))


def _read(text: str) -> Line:
    item, _, rest = text.partition(": ")
    match = _KIND.match(rest)
    if match is None:
        raise ValueError(f"this is no line of a snapshot: {text!r}")
    return Line(item, match["kind"], match["facts"] or "")
