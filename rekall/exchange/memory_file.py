"""The memory file of the reference MCP memory server: one entity or relation a line, each a JSON object."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, NoReturn

from rekall.errors import ImportRefusedError
from rekall.exchange.fields import checked_entry
from rekall.exchange.identity import stable_id
from rekall.exchange.json_stream import document
from rekall.exchange.limits import Limits
from rekall.exchange.note_values import clean_tags, kind_of
from rekall.exchange.records import ENTRIES, Record
from rekall.exchange.shown import shown

ENTITY, RELATION = "entity", "relation"

_ENTITY_KEYS = frozenset({"type", "name", "entityType", "observations"})
_RELATION_KEYS = frozenset({"type", "from", "to", "relationType"})
_BYTES_OF_A_CHARACTER = 4
_RELATIONS = {
    **dict.fromkeys(("supersedes", "replaces", "obsoletes"), ("supersedes", False)),
    **dict.fromkeys(("superseded by", "is superseded by", "replaced by", "is replaced by"), ("supersedes", True)),
    **dict.fromkeys(
        ("derived from", "is derived from", "derives from", "based on", "is based on"), ("derived_from", False)
    ),
    **dict.fromkeys(("contradicts", "conflicts with", "is contradicted by"), ("contradicts", False)),
}
"""Words to the relation they name, and whether it runs the other way."""


class _Pair(NamedTuple):
    """The ends of a link as numbers of entities, and its relation."""

    source: int
    target: int
    relation: str


class MemoryFile:
    """The entities and relations of a memory file, as something that can be imported.

    Args:
        stream: the file, open for reading, which can be read from its start again; it is closed with this.
        limits: see `Limits`.
        name: what it is, for a person.
        modified: its time as a base holds times: the file states none of its own.

    Raises:
        ImportRefusedError: the file is larger than the limit.
    """

    def __init__(self, stream: BinaryIO, limits: Limits, name: str, modified: str) -> None:
        self.name = name
        self.total = 0
        self._stream = stream
        self._limits = limits
        self._modified = modified
        self._lines: dict[str, list[tuple[int, int]]] | None = None
        self._numbers: dict[str, int] = {}
        self._links: dict[_Pair, dict[str, None]] = {}
        self._loose: dict[str, dict[str, None]] = {}
        limits.check("size", stream.seek(0, io.SEEK_END), name)

    def records(self) -> Iterator[Record]:
        """The entries in the order in which their names first occur, then the links.

        Raises:
            ImportRefusedError: a line is no entity and no relation, or it is beyond a limit.
        """
        lines = self._indexed()
        for name, places in lines.items():
            yield self._entry(name, places)
        names = list(lines)
        for pair, reasons in self._links.items():
            yield self._link(pair, _id(names[pair.source]), _id(names[pair.target]), "; ".join(reasons))

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _entry(self, name: str, places: list[tuple[int, int]]) -> Record:
        """The entry of an entity; lines of the same name are one, and each observation counts once."""
        observations: dict[str, None] = {}
        kinds: dict[str, None] = {}
        for number, offset in places:
            self._stream.seek(offset)
            data, place = self._parsed(number, self._stream.readline(self._longest)), self._place(number)
            kinds[_text(data, "entityType", place, default="")] = None
            observations |= dict.fromkeys(_observations(data, place))
            observations |= dict.fromkeys(_extra(data, _ENTITY_KEYS))
        observations |= self._loose.get(name, {})
        place = self._place(places[0][0])
        tags = clean_tags(list(kinds))
        title = " ".join("".join(each if each.isprintable() else " " for each in name).split())
        for line in (title, *tags):
            self._limits.check("line", len(line), place)
        content = "\n".join("- " + one.replace("\n", "\n  ") for one in observations)
        self._limits.check("text", len(content), place)
        values = {
            "id": _id(name),
            "title": title or "Untitled",
            "content": content,
            "type": next((kind for kind in map(kind_of, kinds) if kind), "reference"),
            "created_at": self._modified,
            "updated_at": self._modified,
            "tags": tags,
        }
        return checked_entry(Record(ENTRIES, values, place))

    def _link(self, pair: _Pair, source: str, target: str, reason: str) -> Record:
        values = {
            "id": stable_id("link", source, target, pair.relation),
            "source_id": source,
            "target_id": target,
            "relation_type": pair.relation,
            "created_at": self._modified,
            "reason": reason or None,
        }
        return Record("links", values, self.name)

    def _indexed(self) -> dict[str, list[tuple[int, int]]]:
        """The lines of each entity, by name; the relations are kept too, once both of their ends are known."""
        if self._lines is not None:
            return self._lines
        lines: dict[str, list[tuple[int, int]]] = {}
        relations: list[tuple[int, str, str, str]] = []
        for count, (number, offset, data) in enumerate(self._objects(), 1):
            place = self._place(number)
            kind = data.get("type")
            self._limits.check("records", count, self.name)
            if kind == ENTITY:
                lines.setdefault(_name(data, "name", place), []).append((number, offset))
                self._limits.check("entries", len(lines), self.name)
                _text(data, "entityType", place, default="")
                _observations(data, place)
            elif kind == RELATION:
                ends = _name(data, "from", place), _name(data, "to", place)
                reason = _text(data, "relationType", place, default="")
                extra = "; ".join(_extra(data, _RELATION_KEYS))
                relations.append((number, *ends, f"{reason} ({extra})" if extra else reason))
            else:
                _refuse(place, f"its type is {shown(kind)}, not 'entity' or 'relation'", "take the line out")
        self._numbers = {name: number for number, name in enumerate(lines)}
        for number, source, target, reason in relations:
            self._relate(self._place(number), source, target, reason)
        self._lines = lines
        self.total = len(lines) + len(self._links)
        return lines

    def _relate(self, place: str, source: str, target: str, reason: str) -> None:
        """Keep a relation as a link; one that has no other end here is said in the text of the end that is."""
        first, second = self._numbers.get(source), self._numbers.get(target)
        if first is None and second is None:
            _refuse(place, f"neither {shown(source)} nor {shown(target)} is an entity of the file", "take the line out")
        if first is None or second is None or first == second:
            known = source if first is not None else target
            self._loose.setdefault(known, {})[f"{source} {reason or 'relates to'} {target}"] = None
            return
        words = reason.partition(" (")[0].strip().lower().replace("_", " ").replace("-", " ")
        relation, turned = _RELATIONS.get(words, ("related", False))
        pair = _Pair(second, first, relation) if turned else _Pair(first, second, relation)
        self._links.setdefault(pair, {}).update({reason: None} if reason else {})

    @property
    def _longest(self) -> int:
        """Bytes that a line may have."""
        return _BYTES_OF_A_CHARACTER * self._limits.text + 1

    def _objects(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """The number, the place and the object of every line that is not blank."""
        self._stream.seek(0)
        number, offset = 0, 0
        while line := self._stream.readline(self._longest):
            number += 1
            if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
                _refuse(self.name, "is UTF-16 text", "save it as UTF-8")
            if len(line) == self._longest:
                self._limits.refuse("text", self._limits.text + 1, self._place(number))
            if line.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").strip():
                yield number, offset, self._parsed(number, line)
            offset += len(line)

    def _parsed(self, number: int, line: bytes) -> dict[str, Any]:
        return document(io.BytesIO(line), self._limits, self._place(number))

    def _place(self, number: int) -> str:
        return f"{self.name}, line {number}"


def _id(name: str) -> str:
    return stable_id("memory entity", name)


def _name(data: dict[str, Any], key: str, place: str) -> str:
    name = _text(data, key, place)
    if not name.strip():
        _refuse(place, f"its {key} is blank", "give it one, or take the line out")
    return name


def _text(data: dict[str, Any], key: str, place: str, *, default: str | None = None) -> str:
    value = data.get(key)
    if value is None and default is not None:
        return default
    if key not in data:
        _refuse(place, f"it has no {key}", "mend the line, or take it out")
    if not isinstance(value, str):
        _refuse(place, f"its {key} is {shown(value)}, not a text", "mend the line, or take it out")
    return value


def _observations(data: dict[str, Any], place: str) -> list[str]:
    value = data.get("observations")
    if value is None:
        return []
    if not isinstance(value, list):
        _refuse(place, f"its observations are {shown(value)}, not a list", "mend the line, or take it out")
    return [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in value]


def _extra(data: dict[str, Any], known: frozenset[str]) -> list[str]:
    """What a line says beyond the format, as texts."""
    return [
        f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for key, value in data.items()
        if key not in known and value is not None
    ]


def _refuse(place: str, what: str, mend: str) -> NoReturn:
    raise ImportRefusedError(f"{place}: {what}: {mend}")
