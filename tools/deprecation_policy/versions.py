"""Versions as far as the policy compares them."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)(?:\.?(?:dev|a|b|rc|post)\d*|\+[\w.]+)*")


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version without the zeros at its end.

    A development version or a candidate counts as the version that it leads to: 3.0.0.dev0 as 3.0.0, for what goes in
    3.0.0 has to be gone while that is made.

    Raises:
        ValueError: it is no version.
    """
    match = _RELEASE.fullmatch(version.strip())
    if match is None:
        raise ValueError(f"{version!r} is no version such as 3.0.0 or 3.0.0.dev0")
    numbers = [int(number) for number in match[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def major(version: str) -> int:
    """The first number of a version.

    Raises:
        ValueError: it is no version.
    """
    return (*release(version), 0)[0]


def stated(root: Path) -> dict[str, str]:
    """The version of a checkout, by each place that states it."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    package = ast.parse((root / "rekall" / "__init__.py").read_text("utf-8"))
    (own,) = [
        node.value.value
        for node in package.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and [getattr(target, "id", None) for target in node.targets] == ["__version__"]
    ]
    return {"pyproject.toml": str(project["version"]), "rekall/__init__.py": str(own)}
