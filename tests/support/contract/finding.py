"""What a walk through the recorded facts says of one item."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

DATA = Path(__file__).parents[2] / "data" / "compat"


class Finding(NamedTuple):
    """One item of Rekall 0.3, compared with what is here.

    Args:
        item: its name: `rekall.db.Database.add(entry)`, `rekall search --limit`, `rekall_add(title)`.
        kind: such as method, parameter, option.
        problem: what is not as it was; empty when everything is.
        missing: nothing of that name is here.
    """

    item: str
    kind: str
    problem: str = ""
    missing: bool = False


def absent(item: str, kind: str) -> Finding:
    """An item that is not here at all."""
    return Finding(item, kind, "is not there", missing=True)


def compared(item: str, kind: str, *pairs: tuple[str, Any, Any]) -> Finding:
    """An item that is here, by pairs of what was recorded and what was found; each has a name."""
    problems = [f"{name} is {found!r}, was {known!r}" for name, known, found in pairs if known != found]
    return Finding(item, kind, "; ".join(problems))


def facts(name: str) -> Any:
    """What one of the recorded files holds."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))
