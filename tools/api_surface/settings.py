"""Every key of config.toml and every environment variable that Rekall reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from api_surface.lines import Line, with_facts
from rekall.config import Config
from rekall.config_keys import KEYS
from rekall.paths import PathSource, ResolvedPaths

_VARIABLE = re.compile(r"REKALL_[A-Z_]+")


def key_lines() -> Iterator[Line]:
    """The keys of config.toml with what `Config` makes of them when the file says nothing."""
    nowhere = Path("nowhere")
    unset = Config(ResolvedPaths(nowhere, nowhere, nowhere, nowhere, PathSource.DEFAULT))
    for key in KEYS:
        lowest, highest = key.limits or (None, None)
        yield with_facts(
            f"config.toml {key.dotted}",
            "key",
            type=key.kind,
            attribute=key.attribute or None,
            default=getattr(unset, key.attribute) if key.attribute else None,
            choices=list(key.choices) or None,
            lowest=lowest,
            highest=highest,
            environment=key.environment or None,
        )


def variable_lines(folder: Path) -> Iterator[Line]:
    """The variables that the source names; for one that stands for a key of config.toml, the key.

    Args:
        folder: holds the package `rekall`.
    """
    keys = {key.environment: key.dotted for key in KEYS if key.environment}
    named = {text for file in (folder / "rekall").rglob("*.py") for text in _texts(ast.parse(file.read_text("utf-8")))}
    for name in sorted(named):
        yield with_facts(f"environment {name}", "variable", key=keys.get(name))


def _texts(tree: ast.Module) -> Iterator[str]:
    """The string literals that are the name of a variable; those of `__all__` are names of Python."""
    exported = {
        id(each)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for each in ast.walk(node.value)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in exported and _VARIABLE.fullmatch(str(node.value)):
            yield str(node.value)
