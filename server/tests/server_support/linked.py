"""Environments of their own for tests, made in a second of what is installed: links instead of downloads."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def linked_environment(folder: Path, *requirements: str) -> Path:
    """Make a virtual environment that has what some requirements bring, as far as it is installed here.

    Args:
        folder: where it is made.
        requirements: as in a pyproject.toml; `-NAME` stands for what NAME requires, without itself.

    Returns:
        its Python.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    names: set[str] = set()
    for requirement in requirements:
        _collect(Requirement(requirement.removeprefix("-")), names, set())
    names -= {canonicalize_name(Requirement(one[1:]).name) for one in requirements if one.startswith("-")}
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    for name in names:
        _link(name, site, folder / "bin")
    return folder / "bin" / "python"


def _collect(requirement: Requirement, names: set[str], done: set[tuple[str, str]]) -> None:
    """Add the distribution that a requirement names, and all that it requires, each extra once."""
    try:
        found = distribution(requirement.name)
    except PackageNotFoundError:
        return
    names.add(canonicalize_name(requirement.name))
    for extra in {"", *requirement.extras}:
        if (canonicalize_name(requirement.name), extra) in done:
            continue
        done.add((canonicalize_name(requirement.name), extra))
        for line in found.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                _collect(needed, names, done)


def _link(name: str, site: Path, scripts: Path) -> None:
    """Link what a distribution has at the top of its folder of packages, and give its commands that Python."""
    found = distribution(name)
    files = found.files or ()
    for top in {PurePosixPath(file).parts[0] for file in files} - {"..", "__pycache__"}:
        target = Path(str(found.locate_file(top)))
        if not (site / top).exists() and target.exists():
            (site / top).symlink_to(target)
    for point in found.entry_points.select(group="console_scripts"):
        script = scripts / point.name
        start, _, rest = point.attr.partition(".")
        call = f"{start}.{rest}" if rest else start
        text = f"#!{scripts}/python\nimport sys\nfrom {point.module} import {start}\nsys.exit({call}())\n"
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)
    for file in files:
        program = Path(str(found.locate_file(file))).resolve()
        if PurePosixPath(file).parts[0] == ".." and program.parent.name == "bin" and program.exists():
            script = scripts / program.name
            if not script.exists():
                script.symlink_to(program)
