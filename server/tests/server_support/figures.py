"""Prometheus' text format, read."""

from __future__ import annotations


def figures(text: str) -> dict[str, float]:
    """The value of each sample, by its name with its labels in order of the alphabet."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[_in_order(name)] = float(value)
    return found


def _in_order(name: str) -> str:
    plain, brace, labels = name.partition("{")
    return plain + brace + ",".join(sorted(labels.rstrip("}").split(","))) + "}" if brace else plain
