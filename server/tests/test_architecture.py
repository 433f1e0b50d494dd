"""The server's side of the seam: what it may use of Rekall, and which of its parts may name what it is built on."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rekall

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SERVER = Path(__file__).parents[1]
PACKAGE = SERVER / "rekall_server"
PUBLISHED = {"infra", "errors", "config", "mcp", "testing"}
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the pyproject.toml in a folder on the package beside it and on the installed Rekall."""
    return subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)


def test_every_import_keeps_the_contracts() -> None:
    """Those of import-linter in the server's pyproject.toml."""
    done = _lint(SERVER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: \d+ kept, 0 broken", done.stdout)


def test_all_of_rekall_that_is_not_published_is_forbidden() -> None:
    """A new module of Rekall is not the server's to use until it is published."""
    package = Path(rekall.__file__).parent
    parts = {path.stem for path in package.iterdir() if path.suffix == ".py" or any(path.rglob("*.py"))}
    settings = tomllib.loads((SERVER / "pyproject.toml").read_text(encoding="utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    assert sorted(contract["forbidden_modules"]) == sorted(
        f"rekall.{part}" for part in parts - PUBLISHED - {"__init__", "__pycache__"}
    )


WRONG = {
    "a tool goes round the tools of Rekall": ("calls.py", "from rekall.db import Database"),
    "a back end knows the store": ("backends/pooled_db.py", "import rekall.store.schema"),
    "an import by way of the package": ("app.py", "from rekall import handle"),
    "a back end knows the process": ("backends/pooled_db.py", "import rekall_server.process"),
    "a module that no layer names": ("unplaced.py", "import rekall.errors"),
    "a second part names redis-py": ("app.py", "import redis"),
    "a second part names prometheus-client": ("calls.py", "from prometheus_client import Counter"),
    "a second part names uvicorn": ("app.py", "import uvicorn"),
    "a second part names pydantic-settings": ("app.py", "import pydantic_settings"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_import_is_noticed(case: str, tmp_path: Path) -> None:
    """Each rule bites: the import, put into a copy of the package, breaks a contract."""
    module, line = WRONG[case]
    shutil.copy(SERVER / "pyproject.toml", tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "rekall_server", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "rekall_server" / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = _lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
