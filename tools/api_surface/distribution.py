"""What the distribution brings beside modules, and what of it is deprecated."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from api_surface.lines import Line, with_facts
from rekall.deprecation import register
from rekall.infra.interfaces import KINDS
from rekall.infra.versions import Supported

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NOT_FOR_USERS = {"dev"}


def distribution_lines(pyproject: Path) -> Iterator[Line]:
    """Scripts and extras of the pyproject.toml, and what other distributions may bring back ends for."""
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    for name, target in project["scripts"].items():
        yield Line(f"distribution script {name}", "script", target)
    for name in project["optional-dependencies"]:
        if name not in _NOT_FOR_USERS:
            yield Line(f"distribution extra {name}", "extra")
    for kind, interface in KINDS.items():
        place = f"{interface.__module__}.{interface.__name__}"
        yield Line(f"distribution group rekall.backends.{kind}", "entry points", place)
    supported = Supported()
    for version in range(supported.oldest, supported.newest + 1):
        yield Line(f"distribution interface {version}", "interface")


def deprecation_lines(places: Mapping[str, str]) -> Iterator[Line]:
    """The rows of the register, and the names that it alone answers for.

    Args:
        places: where a public thing is described, by the path at which it is defined.
    """
    for row in register().values():
        yield with_facts(f"deprecated {row.name}", "row", of=row.kind, since=row.since, removal=row.removal)
        if row.target:
            path = row.target.replace(":", ".")
            yield Line(row.name, "deprecated name of", places.get(path, path))
        elif row.value is not None:
            yield Line(row.name, "deprecated constant", type(row.value).__name__)
