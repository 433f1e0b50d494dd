"""How large what an extra installs is."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.measure import Row

SECTION = "search"
EXTRA = "embeddings"
SIZE_LIMIT = 250
"""Megabytes that the extra may take, without a model."""


def measure() -> Row:
    """What the extra brings that Rekall does not have without it.

    Raises:
        RuntimeError: not all of it is installed.
    """
    with_it, without = needed("rekall", EXTRA), needed("rekall")
    added = {name: size_of(one) / 1e6 for name, one in with_it.items() if name not in without}
    return Row(
        *(SECTION, f"size of the extra {EXTRA}: {', '.join(sorted(added))}", sum(added.values()), "MB"),
        limit=SIZE_LIMIT,
        details=added,
    )


def needed(name: str, extra: str = "") -> dict[str, Distribution]:
    """A distribution and all that it needs, by their normal names.

    Args:
        extra: of that distribution; empty for none.

    Raises:
        RuntimeError: one of them is not installed.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(name, extra)]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        try:
            installed = distribution(one[0])
        except PackageNotFoundError as error:
            raise RuntimeError(f"{one[0]} is not installed: run 'pip install rekall[{extra}]' first") from error
        found[canonicalize_name(one[0])] = installed
        for text in installed.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": one[1]}):
                waiting += [(canonicalize_name(requirement.name), each) for each in ("", *requirement.extras)]
    return found


def size_of(installed: Distribution) -> int:
    """Bytes of the files of a distribution, compiled ones included."""
    files = [Path(str(installed.locate_file(file))) for file in installed.files or ()]
    return sum(file.stat().st_size for file in files if file.is_file())
