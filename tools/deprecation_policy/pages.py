"""What of the pages is made of the register: a table of the guide, and a section of the changelog."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from deprecation_policy.versions import release
from rekall.deprecation import KINDS, Deprecation

GUIDE = "migration_guide.md"
CHANGELOG = "CHANGELOG.md"
BEGIN = "<!-- written by tools/deprecations write -->"
END = "<!-- end -->"
_HEADING = "### Deprecated\n"
_CODE = re.compile(r"[A-Za-z_][\w.]*\([^)]*\)|[A-Za-z]\w*(?:\.\w+)+|[A-Za-z]\w*_\w+")
_PLURALS = {"class": "classes"}
_VERSION = re.compile(r"^## \[?v?(\d[^\]\s]*)", re.MULTILINE)


def pages(root: Path, rows: Mapping[str, Deprecation]) -> tuple[dict[str, str], list[str]]:
    """The pages as they have to be: the whole text by name, and a line for each that has no place for its part."""
    made: dict[str, str] = {}
    faults = []
    guide = (root / GUIDE).read_text("utf-8")
    if guide.count(BEGIN) == 1 and END in guide.partition(BEGIN)[2]:
        head, _, rest = guide.partition(BEGIN)
        made[GUIDE] = f"{head}{BEGIN}\n\n{table(rows.values())}\n{END}{rest.partition(END)[2]}"
    else:
        faults.append(f"{GUIDE}: the table of what is deprecated goes between the lines {BEGIN} and {END}")
    unreleased, released, latest = _changelog(root)
    newer = [row for row in rows.values() if release(row.since) > latest]
    if unreleased.count(_HEADING) == 1:
        head, _, rest = unreleased.partition(_HEADING)
        following = re.search(r"^##", rest, re.MULTILINE)
        after = rest[following.start() :] if following else ""
        made[CHANGELOG] = f"{head}{_HEADING}\n{listed(newer)}\n{after}{released}" if newer else head + after + released
    elif newer:
        faults.append(f"{CHANGELOG}: what is deprecated goes under a heading '### Deprecated' of what is not released")
    return made, faults


def backdated(root: Path, rows: Mapping[str, Deprecation]) -> list[str]:
    """The names whose row says that a version which is out warned of them, while the changelog of none tells of it."""
    _, released, latest = _changelog(root)
    return [row.name for row in rows.values() if release(row.since) <= latest and f"`{row.name}`" not in released]


def _changelog(root: Path) -> tuple[str, str, tuple[int, ...]]:
    """Its text before the first version that is out, the text from there on, and the newest of those versions."""
    text = (root / CHANGELOG).read_text("utf-8")
    first = _VERSION.search(text)
    start = first.start() if first else len(text)
    return text[:start], text[start:], max(map(release, _VERSION.findall(text)), default=())


def stale(root: Path, rows: Mapping[str, Deprecation]) -> list[str]:
    """A line for each page that is not what the register gives."""
    made, faults = pages(root, rows)
    differing = [name for name, text in made.items() if (root / name).read_text("utf-8") != text]
    return [*faults, *(f"{name}: not what the register gives: run tools/deprecations write" for name in differing)]


def write(root: Path, rows: Mapping[str, Deprecation]) -> list[str]:
    """Write the pages; returns a line for each that has no place for its part."""
    made, faults = pages(root, rows)
    for name, text in made.items():
        (root / name).write_text(text, "utf-8")
    return faults


def table(rows: Iterable[Deprecation]) -> str:
    """The rows as a table of Markdown, in the order of the register."""
    lines = ["| name | since | goes in | use instead | kind |", "|---|---|---|---|---|"]
    for row in rows:
        instead = f"`{row.replacement}`" if " " not in row.replacement else _CODE.sub(r"`\g<0>`", row.replacement)
        lines.append(f"| `{row.name}` | {row.since} | {row.removal} | {instead} | {row.kind} |")
    return "\n".join(lines) + "\n"


def listed(rows: Iterable[Deprecation]) -> str:
    """The names as a list of Markdown, those of one kind and one removal together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in sorted(rows, key=lambda row: (release(row.removal), KINDS.index(row.kind))):
        groups.setdefault((row.removal, row.kind), []).append(f"`{row.name}`")
    text = "These work, and warn, until the version given; `migration_guide.md` says what to use instead.\n\n"
    for (removal, kind), names in groups.items():
        plural = kind if len(names) == 1 else _PLURALS.get(kind, f"{kind}s")
        line = f"- {plural[0].upper()}{plural[1:]}, until {removal}: {', '.join(names)}."
        text += textwrap.fill(line, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) + "\n"
    return text
