"""docs/deprecation-policy.md: every step that it shows is done to a copy of the package, and gives what it says."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from deprecation_policy.check import Checkout
from deprecation_policy.pages import write

from rekall.deprecation import KINDS, register

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "deprecation-policy.md").read_text("utf-8")
_BLOCK = re.compile(r"^```(toml|python|console)\n(?:# ([\w./]+)\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)
_FUTURE = "from __future__ import annotations\n"


class Block(NamedTuple):
    """A fenced block: its language, the file that its first line names, and the rest of it."""

    language: str
    file: str
    text: str


BLOCKS = [Block(*found) for found in _BLOCK.findall(PAGE)]


class Bench:
    """A copy of what the policy is about, and a folder for the programs of users."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.user = folder / "user"
        self.home = folder / "home"
        for each in (self.checkout, self.user, self.home):
            each.mkdir()
        for name in ("pyproject.toml", "migration_guide.md", "CHANGELOG.md"):
            shutil.copy(ROOT / name, self.checkout)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "rekall", self.checkout / "rekall", ignore=ignored)

    def maintain(self, block: Block) -> None:
        """Do what a block says to the package: a row is added, a table or constant replaced, other code appended."""
        if block.language == "toml":
            with (self.checkout / "rekall" / "deprecations.toml").open("a") as file:
                file.write(f"\n{block.text}")
            return
        path = self.checkout / block.file
        if not path.exists():
            path.write_text(block.text)
            return
        added = ""
        for node in ast.parse(block.text).body:
            source = ast.get_source_segment(block.text, node) or ""
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                text = path.read_text()
                assert _FUTURE in text
                path.write_text(text.replace(_FUTURE, f"{_FUTURE}\n{source}\n"))
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                self._replace(path, _target(node), source)
            else:
                decorators = getattr(node, "decorator_list", [])
                first = decorators[0].lineno if decorators else node.lineno
                added += "\n\n" + "\n".join(block.text.splitlines()[first - 1 : node.end_lineno]) + "\n"
        path.write_text(path.read_text() + added)

    def _replace(self, path: Path, name: str, source: str) -> None:
        """Put another assignment of a name where there is one."""
        text = path.read_text()
        (old,) = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and _target(node) == name
        ]
        assert old.end_lineno is not None
        lines = text.splitlines()
        indented = [" " * old.col_offset + line for line in source.splitlines()]
        path.write_text("\n".join([*lines[: old.lineno - 1], *indented, *lines[old.end_lineno :], ""]))

    def run(self, command: str) -> str:
        """What a command of the page prints, stderr first, in the words of the page."""
        functions = (
            f'python() {{ "{sys.executable}" "$@"; }}; rekall() {{ python -m rekall "$@"; }}; '
            'pytest() { python -m pytest -p no:cacheprovider "$@"; }; '
        )
        environment = {
            **{name: value for name, value in os.environ.items() if name not in ("PYTHONWARNINGS", "CI")},
            "PYTHONPATH": str(self.checkout),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REKALL_HOME": str(self.home),
        }
        done = subprocess.run(
            ["bash", "-c", functions + command],
            cwd=self.user,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        printed = done.stderr + done.stdout
        return printed.replace(str(self.home), "/home/you/.rekall").replace(f"{self.user}/", "")


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    (target,) = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
    return ast.unparse(target)


def _is_maintenance(block: Block) -> bool:
    return block.file.startswith("rekall/") or (block.language == "toml" and not block.file)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The copy, with all that the page does to it."""
    made = Bench(tmp_path_factory.mktemp("policy"))
    for block in BLOCKS:
        if _is_maintenance(block):
            made.maintain(block)
    return made


def _sessions() -> Iterator[tuple[list[Block], str]]:
    """Each block of commands, with the files of users that come before it."""
    files: list[Block] = []
    for block in BLOCKS:
        if block.language == "console":
            yield files, block.text
            files = []
        elif not _is_maintenance(block):
            files = [*files, block]


def _first_command(value: object) -> str:
    return value.partition("\n")[0] if isinstance(value, str) else ""


@pytest.mark.parametrize(("files", "text"), list(_sessions()), ids=_first_command)
def test_a_user_sees_what_the_page_says(files: list[Block], text: str, bench: Bench) -> None:
    """Line by line."""
    for file in files:
        folder = bench.home if file.file == "config.toml" else bench.user
        (folder / file.file).write_text(f"# {file.file}\n{file.text}")
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        assert bench.run(command) == expected


def test_every_kind_is_shown(bench: Bench) -> None:
    """With a row each, and in the table of the kinds."""
    rows = [row for name, row in Checkout.read(bench.checkout).register.rows.items() if name not in register()]
    assert {row.kind for row in rows} == set(KINDS)
    cells = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| ")]
    assert set(KINDS) <= {kind.strip() for cell in cells for kind in cell.split(",")}


def test_what_the_page_does_keeps_the_policy(bench: Bench) -> None:
    """The check finds nothing, once the pages are written as it says."""
    assert {fault.partition(":")[0] for fault in Checkout.read(bench.checkout).faults()} == {
        "migration_guide.md",
        "CHANGELOG.md",
    }
    assert write(bench.checkout, Checkout.read(bench.checkout).register.rows) == []
    assert Checkout.read(bench.checkout).faults() == []


def test_the_page_tells_each_of_the_checks() -> None:
    """The subcommands that it names are those of the tool."""
    named = set(re.findall(r"`tools/deprecations (\w+)", PAGE))
    assert named == {"check", "due", "list", "write"}


def test_pytest_makes_them_errors(bench: Bench, tmp_path: Path) -> None:
    """With the lines of the page in a project's pyproject.toml."""
    (lines,) = [block.text for block in BLOCKS if block.file == "pyproject.toml"]
    (tmp_path / "pyproject.toml").write_text(lines)
    (tmp_path / "test_mine.py").write_text("def test_it():\n    from rekall.utils import normalize_url\n")
    printed = bench.run(f"cd {tmp_path} && pytest -q 2>&1")
    assert "1 failed" in printed
    assert "RekallDeprecationWarning: rekall.utils.normalize_url is deprecated since Rekall 1.0" in printed


def test_the_options_of_python_show_them_and_make_them_errors(bench: Bench) -> None:
    """The two lines of the page, on a program whose module is the one that uses something old."""
    (bench.user / "library.py").write_text("from rekall.utils import normalize_url\n")
    (bench.user / "program.py").write_text("import library\n")
    shows, refuses = (line.partition("#")[0] for line in PAGE.splitlines() if line.startswith("python -W "))
    assert bench.run("python program.py") == ""
    assert bench.run(shows).startswith(
        "library.py:1: RekallDeprecationWarning: rekall.utils.normalize_url is deprecated"
    )
    assert "Traceback" in bench.run(refuses)


def test_options_of_groups_and_of_the_program_itself(tmp_path: Path) -> None:
    """The words before an option are those that a user types, however deep the command stands."""
    bench = Bench(tmp_path)
    table = {
        "rekall sources inbox list --max": "--limit",
        "rekall --everywhere": "--global",
        "rekall add --label": "--tags",
    }
    for name, new in table.items():
        row = f'name = "{name}"\nkind = "CLI option"\nsince = "1.1"\nremoval = "3.0"\nreplacement = "{new}"\n'
        bench.maintain(Block("toml", "", f"[[deprecated]]\n{row}"))
    bench.maintain(Block("python", "rekall/cli/older_options.py", f"OLDER_OPTIONS: Mapping[str, str] = {table!r}\n"))
    warning = "rekall: warning: {} is deprecated since Rekall 1.1 and goes in 3.0: use {}\n"
    printed = bench.run("rekall init > /dev/null; rekall --everywhere sources inbox list --max 3 --json")
    first, second, *answer = printed.splitlines(keepends=True)
    assert first == warning.format("rekall --everywhere", "--global")
    assert second == warning.format("rekall sources inbox list --max", "--limit")
    assert answer[0] in ("{\n", "[]\n", "[\n")
    assert "unknown option --label" in bench.run("rekall search cors --label web")
    help_text = bench.run("rekall --help; rekall sources inbox list --help; rekall add --help")
    assert not [name for name in table if name.rpartition(" ")[2] in help_text]
