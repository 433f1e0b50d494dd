"""The rows of the register as they are written, with what is wrong with them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from deprecation_policy.versions import major, release
from rekall.deprecation import KINDS, Deprecation

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REGISTER = "rekall/deprecations.toml"
_NEEDED = ("name", "kind", "since", "removal", "replacement")
_HEADING = re.compile(r"\s*\[\[\s*deprecated\s*]]")
_FORMS = {
    "parameter": r"[\w.]+\(\w+=\)",
    "module": r"rekall(\.\w+)+",
    "config key": r"[\w-]+(\.[\w-]+)?",
    "CLI option": r"rekall( [\w-]+)* --?[\w-]+",
    "MCP parameter": r"rekall_\w+\(\w+\)",
    "interface": r"interface \d+( of \w+ back ends)?",
}
"""How the names of a kind look; those of the others are dotted."""


class Register(NamedTuple):
    """What the file holds.

    Args:
        rows: the rows that can be read, by name, in their order.
        lines: the line on which each of them begins.
        faults: what is wrong, each with its place.
    """

    rows: Mapping[str, Deprecation]
    lines: Mapping[str, int]
    faults: list[str]


def read_register(root: Path) -> Register:
    """The register of a checkout, checked row by row.

    Raises:
        ValueError: it is no TOML, or its rows do not each stand under a heading of their own.
    """
    text = (root / REGISTER).read_text("utf-8")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{REGISTER}: {error}") from error
    starts = [number for number, line in enumerate(text.split("\n"), 1) if _HEADING.match(line)]
    if found.keys() - {"deprecated"} or len(starts) != len(found.get("deprecated", ())):
        raise ValueError(f"{REGISTER}: it holds nothing but rows, each under a line [[deprecated]]")
    rows: dict[str, Deprecation] = {}
    lines: dict[str, int] = {}
    faults: list[str] = []
    for start, raw in zip(starts, found.get("deprecated", ()), strict=True):
        wrong = [*_wrong(raw)]
        if raw.get("name") in rows:
            wrong.append("the name stands in the register twice")
        faults += [f"{REGISTER}:{start}: {raw.get('name', 'a row without a name')}: {fault}" for fault in wrong]
        if not any(_unreadable(raw)) and raw["name"] not in rows:
            rows[raw["name"]] = Deprecation(**raw)
            lines[raw["name"]] = start
    return Register(rows, lines, faults)


def _unreadable(raw: Mapping[str, Any]) -> Iterator[str]:
    """What keeps a row from being read at all."""
    given = {"target": "of none", **raw}
    empty = [
        field for field in (*_NEEDED, "target") if not (isinstance(given.get(field), str) and given[field].strip())
    ]
    if empty:
        yield f"{' and '.join(empty)} must be given, as text"
    unknown = sorted(raw.keys() - set(Deprecation._fields))
    if unknown:
        yield f"a row has no {' or '.join(unknown)}; it has {', '.join(Deprecation._fields)}"


def _wrong(raw: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one row."""
    unreadable = [*_unreadable(raw)]
    if unreadable:
        yield from unreadable
        return
    if raw["kind"] not in KINDS:
        yield f"the kind {raw['kind']!r} is none of {', '.join(KINDS)}"
    elif not re.fullmatch(_FORMS.get(raw["kind"], r"\w+(\.\w+)*"), raw["name"]):
        yield f"no {raw['kind']} is written so: see docs/deprecation-policy.md"
    try:
        window = major(raw["removal"]) - major(raw["since"])
        whole = len(release(raw["removal"])) == 1
    except ValueError as error:
        yield str(error)
    else:
        if window < 2:
            earliest = f"{major(raw['since']) + 2}.0"
            yield f"deprecated in {raw['since']}, it may go in {earliest} at the earliest, not in {raw['removal']}"
        if not whole:
            yield f"it goes in {raw['removal']}: only a major version takes something away"
