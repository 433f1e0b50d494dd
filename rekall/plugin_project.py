"""The project of a plug-in: a distribution with one back end, its entry point and its conformance test, all working.

What it holds comes from the files in `templates`. Rekall is none of its dependencies: a package index holds an
unrelated distribution of that name.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from rekall.errors import InvalidValueError

Kind = Literal["database", "cache"]

BUILT_IN = ("sqlite", "local")
"""The back ends that Rekall brings: a plug-in of such a name would never be asked for."""
_TAKEN = ("rekall", "rekall_server", "tests")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_TEMPLATES = Path(__file__).with_name("templates")
_OF_KIND: Mapping[Kind, Mapping[str, str]] = {
    "database": {
        "conformance": "DatabaseConformance",
        "capability": "persistent",
        "option": "timeout = 2.5  # seconds",
    },
    "cache": {"conformance": "CacheConformance", "capability": "bounded", "option": "max_size = 1000  # values"},
}


class PluginNames(NamedTuple):
    """What the parts of a plug-in are called.

    Args:
        name: what config.toml selects, as `my-store`; the distribution too, unless it has a name of its own.
        package: what is imported, as `my_store`.
        class_name: the back end, as `MyStoreDatabase`.
    """

    name: str
    package: str
    class_name: str


def plugin_names(name: str, kind: Kind) -> PluginNames:
    """The names of a plug-in project.

    Args:
        name: letters and digits, and single `-` or `_` between them.
        kind: what the back end is.

    Raises:
        InvalidValueError: the name is of another form, or taken.
    """
    if not _NAME.fullmatch(name):
        raise InvalidValueError(
            f"{name!r} cannot name a package: give letters and digits, a letter first, with - or _ between words"
        )
    package = name.lower().replace("-", "_")
    taken = _taken(package)
    if taken:
        raise InvalidValueError(f"{name!r} is {taken}: give another name, such as {package}-{kind}")
    words = package.split("_")
    if len(words) > 1 and words[-1] == kind:
        words.pop()
    return PluginNames(name, package, "".join(word.capitalize() for word in words) + kind.capitalize())


def plugin_files(name: str, kind: Kind, *, distribution: str | None = None) -> dict[str, str]:
    """The text of each file of a plug-in project, by its path inside the project's folder.

    Args:
        name: as in `plugin_names`.
        kind: what the back end is.
        distribution: what is installed and published; None takes the name.

    Raises:
        InvalidValueError: a name is of another form, or taken.
    """
    names = plugin_names(name, kind)
    if distribution is not None and not _DISTRIBUTION.fullmatch(distribution):
        raise InvalidValueError(
            f"{distribution!r} cannot name a distribution: give letters and digits, with -, _ or . between them"
        )
    if distribution is not None and re.sub(r"[-_.]+", "-", distribution).lower() in ("rekall", "rekall-server"):
        raise InvalidValueError(f"{distribution!r} is Rekall's own: give another name, such as {name}-rekall")
    values = {**names._asdict(), "distribution": distribution or name, "kind": kind, **_OF_KIND[kind]}
    return {
        "pyproject.toml": _filled("pyproject.toml", values),
        "README.md": _filled("README.md", values),
        f"{names.package}/__init__.py": _filled("__init__.py", values),
        f"{names.package}/{kind}.py": _filled(f"{kind}.py", values),
        f"{names.package}/py.typed": "",
        f"tests/test_{names.package}.py": _filled("test.py", values),
    }


def write_project(name: str, folder: Path, kind: Kind = "database", *, distribution: str | None = None) -> list[Path]:
    """Write a plug-in project into a new or empty folder.

    Args:
        name: as in `plugin_names`.
        folder: made with its parents when missing.
        kind: what the back end is.
        distribution: as in `plugin_files`.

    Returns:
        The files that were written.

    Raises:
        InvalidValueError: a name is of another form, or taken; or the folder holds something. Nothing was written.
    """
    files = plugin_files(name, kind, distribution=distribution)
    if folder.is_dir() and any(folder.iterdir()):
        raise InvalidValueError(f"{folder} is not empty: name another folder with --into, or empty it")
    if folder.exists() and not folder.is_dir():
        raise InvalidValueError(f"{folder} is not a folder: name another one with --into")
    written = []
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as new:
            new.write(text)
        written.append(file)
    return written


def _taken(package: str) -> str:
    """What already has the name, or nothing."""
    if keyword.iskeyword(package):
        return "a keyword of Python"
    if package in sys.stdlib_module_names:
        return "a module of Python's standard library"
    if package in BUILT_IN:
        return "a back end that Rekall brings"
    if package in _TAKEN:
        return "a name that is in use beside every plug-in"
    from importlib.util import find_spec  # this command alone needs it

    spec = find_spec(package)
    # a folder without modules is no package yet: it may well be the one of this project
    return "a package that is already installed here" if spec is not None and spec.origin is not None else ""


def _filled(template: str, values: Mapping[str, str]) -> str:
    from string import Template

    return Template((_TEMPLATES / f"{template}.template").read_text(encoding="utf-8")).substitute(values)
