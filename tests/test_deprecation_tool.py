"""The program `tools/deprecations`, and what it says when the version moves."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import deprecations_run
import pytest
from deprecation_policy.versions import stated

from rekall.deprecation import register

ROOT = Path(__file__).resolve().parents[1]


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each; as JSON with the places that warn."""
    assert deprecations_run.main(["list"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "KIND", "SINCE", "GOES", "IN", "USE", "INSTEAD"]
    assert [line.split("  ")[0] for line in lines] == list(register())
    assert deprecations_run.main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(register())
    assert all(re.fullmatch(r"rekall/[\w/]+\.py:\d+", row["warns_at"][0]) for row in rows)


def test_due_and_check_of_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing in 2.x, everything that the register says in 3.0."""
    assert deprecations_run.main(["due", "2.99"]) == 0
    assert capsys.readouterr().out == f"0 of {len(register())} deprecated names must be gone in 2.99\n"
    assert deprecations_run.main(["check", "--version", "2.99"]) == 0
    assert capsys.readouterr().out == f"{len(register())} deprecated names, and the policy is kept\n"
    assert deprecations_run.main(["due", "3.0"]) == 0
    *lines, _ = capsys.readouterr().out.splitlines()
    gone = [name for name, row in register().items() if row.removal == "3.0"]
    assert [line.partition(" (")[0] for line in lines if line] == [name.partition(" (")[0] for name in gone]
    assert deprecations_run.main(["check", "--version", "3.0.0.dev0"]) == 1
    assert capsys.readouterr().out.count("due in 3.0.0.dev0, delete ") == len(gone)


def test_a_version_that_is_none_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """As every error."""
    assert deprecations_run.main(["due", "soon"]) == 2
    assert capsys.readouterr().err == "error: 'soon' is no version such as 3.0.0 or 3.0.0.dev0\n"


# moving the version


def _moved(folder: Path, version: str) -> None:
    """This checkout, but for its bulk, at another version."""
    for name in ("pyproject.toml", "migration_guide.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)
    for name in ("rekall", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    shutil.copy(Path(__file__).with_name("test_deprecation_check.py"), folder / "tests")
    for file, old in (("pyproject.toml", 'version = "'), ("rekall/__init__.py", '__version__ = "')):
        text = (folder / file).read_text()
        (folder / file).write_text(re.sub(rf'^{old}[^"]+"', f'{old}{version}"', text, flags=re.MULTILINE))
    assert set(stated(folder).values()) == {version}


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with the package of that folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_moving_the_version_to_the_removal_lists_what_to_delete(tmp_path: Path) -> None:
    """The tool and the test that CI runs fail with the whole list."""
    _moved(tmp_path, "3.0.0")
    check = (str(tmp_path / "tools" / "deprecations_run.py"), "check")
    test = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_deprecation_check.py", "-k", "keeps_the_policy")
    gone = [row for row in register().values() if row.removal == "3.0"]
    assert len(gone) >= 50
    done = _run(tmp_path, *check)
    assert done.returncode == 1, done.stdout + done.stderr
    for row in gone:
        places = r"rekall/deprecations\.toml:\d+(, rekall/[\w/]+\.py:\d+)+"
        assert re.search(rf"^due in 3\.0\.0, delete {re.escape(row.name)} \({row.kind}\): {places}$", done.stdout, re.M)
    in_ci = _run(tmp_path, *test)
    assert in_ci.returncode == 1
    listed_by_the_tool = re.findall(r"^due in 3\.0\.0, .*$", done.stdout, re.MULTILINE)
    assert set(listed_by_the_tool) <= set(re.findall(r"^E +(due in 3\.0\.0, .*)$", in_ci.stdout, re.MULTILINE))


@pytest.mark.parametrize(("version", "status"), [("2.12.0", 0), ("3.0.0.dev0", 1)])
def test_the_check_of_other_versions(version: str, status: int, tmp_path: Path) -> None:
    """Through N+1 nothing is due; the first development version of N+2 is when it goes."""
    _moved(tmp_path, version)
    done = _run(tmp_path, str(tmp_path / "tools" / "deprecations_run.py"), "check")
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""
