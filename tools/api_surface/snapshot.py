"""A snapshot to be asked: what stands for a name, also by way of other names and of base classes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from api_surface.lines import Line, facts_of, read

_NAMES = ("name of", "deprecated name of")
ACCEPTED_BY_ROW = ("config key", "CLI option", "MCP parameter")
"""Kinds of rows whose name is understood because the row is there."""


class Snapshot:
    """The lines of a text that `tools/api` wrote.

    Raises:
        ValueError: it did not.
    """

    def __init__(self, text: str) -> None:
        self.lines = read(text)
        self.rows = {spelled(item): line for item, line in self.lines.items() if line.kind == "row"}
        """The rows of the deprecation register by their name."""

    def find(self, item: str) -> Line | None:
        """What a name stands for: where it leads, what a base class has, or the row that still accepts it."""
        found = self._find(item, ())
        row = self.rows.get(spelled(item))
        if found is None and row is not None and facts_of(row)["of"] in ACCEPTED_BY_ROW:
            return row
        return found

    def ancestors(self, item: str) -> set[str]:
        """Every class that the class `item` derives from; of those from elsewhere, their own too."""
        found: set[str] = set()
        for base in self._bases(item):
            found.add(base)
            found |= self.ancestors(base) if base in self.lines else _ancestors_elsewhere(base)
        return found

    def _find(self, item: str, seen: tuple[str, ...]) -> Line | None:
        line = self.lines.get(item)
        if item in seen:
            return line
        if line is not None:
            return (self._find(line.facts, (*seen, item)) or line) if line.kind in _NAMES else line
        outer, _, member = item.rpartition(".")
        if not member or not outer:
            return None
        owner = self._find(outer, (*seen, item))
        if owner is None:
            return None
        candidates = [owner.item, *self._bases(owner.item)]
        return next(filter(None, (self._find(f"{each}.{member}", (*seen, item)) for each in candidates)), None)

    def _bases(self, item: str) -> Iterator[str]:
        line = self.lines.get(item)
        if line is not None and line.kind.endswith("class") and line.facts:
            yield from line.facts.removeprefix("of ").split(", ")


def spelled(item: str) -> str:
    """A name as a row of the deprecation register has it."""
    for beginning in ("$ ", "mcp ", "config.toml ", "environment ", "distribution ", "deprecated "):
        item = item.removeprefix(beginning)
    return item.removesuffix(".__init__")


def _ancestors_elsewhere(base: str) -> set[str]:
    """The bases of a class of Python itself, or of another package, as far as it can be imported."""
    module, _, name = base.rpartition(".")
    try:
        found = getattr(importlib.import_module(module or "builtins"), name)
    except (ImportError, AttributeError):
        return set()
    mro = getattr(found, "__mro__", ())
    return {each.__name__ if each.__module__ == "builtins" else f"{each.__module__}.{each.__name__}" for each in mro}
