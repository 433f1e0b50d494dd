"""Two snapshots: everything that changed between them, and what each change means for those who rely on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from deprecation_policy.versions import release

from api_surface.annotations import narrowed
from api_surface.calls import compare_calls
from api_surface.declared import compare_declared
from api_surface.difference import Difference, added, breaking, look
from api_surface.lines import Line, facts_of
from api_surface.snapshot import ACCEPTED_BY_ROW, Snapshot, spelled

_DECLARED = {"argument", "option", "parameter", "key", "variable", "command", "group", "tool", "prompt", "resource"}
_VALUES = {"attribute", "field", "constant", "member"}


class Change(NamedTuple):
    """One difference of one thing.

    Args:
        item: the thing, as the snapshot names it.
        difference: what is different about it.
    """

    item: str
    difference: Difference

    @property
    def name(self) -> str:
        """The thing, or the parameter of it, as a row of the deprecation register would name it."""
        parameter = self.difference.parameter
        return f"{spelled(self.item)}({parameter}=)" if parameter else spelled(self.item)

    def __str__(self) -> str:
        return f"{self.name}: {self.difference.what}"


def compare(old: Snapshot, new: Snapshot) -> list[Change]:
    """All changes from one surface to another, in the order of their names.

    Args:
        old: what people and programs rely on.
        new: what they would meet.
    """
    changes = [Change(item, each) for item, each in _old_things(old, new)]
    changes += [Change(item, each) for item, each in _new_things(old, new)]
    return sorted(changes)


def _old_things(old: Snapshot, new: Snapshot) -> Iterator[tuple[str, Difference]]:
    gone: list[str] = []
    for item, line in sorted(old.lines.items(), key=lambda each: (len(each[0]), each[0])):
        if line.kind == "row":
            yield from ((item, each) for each in _row(line, old, new))
        elif not any(_is_inside(item, other) for other in gone):
            before, after = old.find(item) or line, new.find(item)
            if after is None:
                gone.append(item)
                if (
                    before.item == item or new.find(before.item) is not None
                ):  # else the thing is gone, which is told once
                    yield item, breaking("is not made of values any more" if item.endswith("__init__") else "is gone")
            elif after.kind != "row" and (new.lines.get(item) != line or before.item == item):
                yield from ((item, each) for each in _compare(before, after, old, new))


def _new_things(old: Snapshot, new: Snapshot) -> Iterator[tuple[str, Difference]]:
    for item, line in new.lines.items():
        if line.kind == "row" or item in old.lines or old.find(item) is not None:
            continue
        owner = old.find(_owner(item))
        if owner is not None and line.kind.startswith("abstract"):
            yield item, breaking("is a new abstract method, which no class of others has")
        elif owner is not None and line.kind in _DECLARED and facts_of(line).get("required"):
            yield item, breaking("is new and required")
        else:
            yield item, added(f"is a new {line.kind}")


def _owner(item: str) -> str:
    """What a new thing belongs to: the class of a method, the command of an option, the tool of a parameter."""
    if item.endswith(")"):
        outer, dot, _ = item.rpartition(".")
        return f"{outer})" if dot else item.rpartition("(")[0]
    return item.rpartition(" " if item.startswith("$ ") else ".")[0]


def _is_inside(item: str, other: str) -> bool:
    return item.startswith((f"{other}.", f"{other} ", f"{other}(", f"{other.removesuffix(')')}."))


def _row(line: Line, old: Snapshot, new: Snapshot) -> Iterator[Difference]:
    name, facts = spelled(line.item), facts_of(line)
    after = new.rows.get(name)
    if after is None:
        if facts["of"] in ACCEPTED_BY_ROW and name not in map(spelled, new.lines):
            yield breaking(f"was deprecated, and is no {facts['of']} any more")
    elif release(facts_of(after)["removal"]) < release(facts["removal"]):
        yield breaking(f"goes in {facts_of(after)['removal']}, and was to stay until {facts['removal']}")


def _compare(before: Line, after: Line, old: Snapshot, new: Snapshot) -> Iterator[Difference]:
    if before == after:
        if before.kind.endswith("class"):
            yield from _bases(before, after, old, new)
        return
    compare_kind = _COMPARISONS.get(_family(before))
    if _family(before) == "class":
        yield from _class(before, after, old, new)
    elif _family(before) == "call":
        yield from _call(before, after, implemented=_is_abstract(before.item.rpartition(".")[0], old))
    elif compare_kind is not None:
        yield from compare_kind(before, after)
    elif before.kind != after.kind or before.facts != after.facts:
        yield look(f"was {_told(before)}, is {_told(after)}")


def _family(line: Line) -> str:
    if line.kind.endswith(("function", "method")):
        return "call"
    if line.kind in _VALUES:
        return "value"
    if line.kind in _DECLARED:
        return "declared"
    return line.kind.split()[-1]


def _is_abstract(owner: str, snapshot: Snapshot) -> bool:
    """Whether a class is there for others to fill in: it has abstract methods."""
    return any(
        line.kind.startswith("abstract") and item.rpartition(".")[0] == owner for item, line in snapshot.lines.items()
    )


def _call(before: Line, after: Line, *, implemented: bool) -> Iterator[Difference]:
    words, later = before.kind.split(), after.kind.split()
    if _family(after) != "call":
        is_class = after.kind.endswith("class")
        yield look("is a class now") if is_class else breaking(f"was a {before.kind}, is a {after.kind}")
        return
    if ("async" in words) != ("async" in later):
        yield breaking(f"was a {before.kind}, is a {after.kind}")
    if "abstract" in later and "abstract" not in words:
        yield breaking("is abstract now, and classes of others may lack it")
    if {"class", "static"} & set(words) and not {"class", "static"} & set(later):
        yield breaking(f"was a {before.kind}, is a {after.kind}")
    yield from compare_calls(before.facts, after.facts, implemented=implemented)


def _property(before: Line, after: Line) -> Iterator[Difference]:
    if _family(after) in ("call", "class"):
        yield breaking(f"was a property, is a {after.kind}")
        return
    if "settable" in before.kind and _family(after) == "property" and "settable" not in after.kind:
        yield breaking("cannot be set any more")
    if "abstract" in after.kind and "abstract" not in before.kind:
        yield breaking("is abstract now, and classes of others may lack it")
    if before.facts != _annotation(after):
        yield look(f"was {before.facts}, is {_annotation(after)}")


def _value(before: Line, after: Line) -> Iterator[Difference]:
    if _family(after) == "property":
        yield look("is a property now")
    elif _family(after) != "value":
        yield breaking(f"was {_told(before)}, is {_told(after)}")
    elif before != after._replace(item=before.item):
        yield look(f"was {_told(before)}, is {_told(after)}")


def _class(before: Line, after: Line, old: Snapshot, new: Snapshot) -> Iterator[Difference]:
    if _family(after) != "class":
        yield breaking(f"was a class, is a {after.kind}")
        return
    if "frozen" in after.kind and "frozen" not in before.kind:
        yield breaking("is frozen now")
    yield from _bases(before, after, old, new)


def _bases(before: Line, after: Line, old: Snapshot, new: Snapshot) -> Iterator[Difference]:
    later = new.ancestors(after.item)
    places = {base: new.find(base) for base in sorted(old.ancestors(before.item) - later)}
    lost = [base for base, line in places.items() if line is None or line.item not in later]
    if lost:
        yield breaking(f"derives no more from {', '.join(lost)}")


def _type(before: Line, after: Line) -> Iterator[Difference]:
    if _family(after) == "type" and narrowed(before.facts, after.facts):
        yield breaking(f"was {before.facts}, is {after.facts}")
    elif before.facts != after.facts:
        yield look(f"was {_told(before)}, is {_told(after)}")


def _annotation(line: Line) -> str:
    return line.facts.partition(" = ")[0]


def _told(line: Line) -> str:
    return f"{line.kind} {line.facts}".rstrip()


_COMPARISONS: Mapping[str, Callable[[Line, Line], Iterator[Difference]]] = {
    "property": _property,
    "value": _value,
    "type": _type,
    "declared": compare_declared,
}
