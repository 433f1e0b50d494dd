"""Which breaking changes the deprecation register announced: the row was there, and its removal is due."""

from __future__ import annotations

from deprecation_policy.versions import release

from api_surface.comparison import Change, compare
from api_surface.lines import facts_of
from api_surface.snapshot import Snapshot


def unannounced(released: Snapshot, current: Snapshot, rekall: str) -> list[Change]:
    """The breaking changes since the last release that no row of the register excuses.

    Args:
        released: the surface of the last release, with the rows that it had.
        current: the surface now. Its rows count too, as far as they are due; those that went with what they were about
            are among the released ones.
        rekall: the version that the change would be released in.
    """
    rows = {**current.rows, **released.rows}
    due = [name for name, row in rows.items() if release(facts_of(row)["removal"]) <= release(rekall)]
    changes = [change for change in compare(released, current) if change.difference.weight == "breaking"]
    interfaces = _interfaces(released) if any(facts_of(rows[name])["of"] == "interface" for name in due) else []
    names = [*due, *interfaces]
    return [change for change in changes if not any(is_about(name, change.name) for name in names)]


def _interfaces(snapshot: Snapshot) -> list[str]:
    """The classes that back ends derive from: they change with the versions of the interface that are taken."""
    return [line.facts for line in snapshot.lines.values() if line.kind == "entry points"]


def is_about(row: str, name: str) -> bool:
    """Whether a row speaks for a name: the same, the same without its module, or something that is inside of it."""
    return any(part == row or part.startswith((f"{row}.", f"{row}(", f"{row} ")) for part in _endings(name))


def _endings(name: str) -> list[str]:
    """The name, and what is left of it without the modules and classes before it."""
    dotted, bracket, parameter = name.partition("(")
    if " " in dotted:
        return [name]
    parts = dotted.split(".")
    return [".".join(parts[index:]) + bracket + parameter for index in range(len(parts))]
