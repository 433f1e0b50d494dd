"""A plug-in project as `rekall backends new` writes it: one of each kind installed, tested and used; refused names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest
from fastmcp.client.transports import StdioTransport
from support.command_line import CONTEXT, CommandLine, run_in_terminal
from support.mcp_client import connected

from rekall.errors import InvalidValueError
from rekall.infra.selection import BUILT_IN
from rekall.plugin_project import BUILT_IN as RESERVED
from rekall.plugin_project import Kind, plugin_files, plugin_names, write_project

ROOT = Path(__file__).parents[1]
PROJECTS: dict[str, Kind] = {"acme": "database", "acme-memory": "cache"}
SEEN = """
import numpy
from rekall.cache import EmbeddingCache
from rekall.infra import get_cache, get_database
for backend in (get_database(), get_cache()):
    print(type(backend.wrapped).__module__)
EmbeddingCache(10, 60).put("an id", numpy.ones(3))
print(len(get_cache().wrapped._kept))
"""
"""Says which classes carry a process, and that the one keeps what the other layer gives it."""


class Environment:
    """A virtual environment that sees the running one, so that Rekall, pytest and hatchling are in it, and no more.

    Args:
        folder: where it is made.
    """

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True, symlinks=True)
        self.python = folder / "bin" / "python"
        ours = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        # addsitedir, unlike a line with the path, also follows the .pth files there: that of an editable Rekall
        lines = [f"import site; site.addsitedir({path!r})" for path in dict.fromkeys(ours)]
        theirs = self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        Path(theirs, "running_environment.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        """What its Python prints; it must succeed."""
        done = subprocess.run(
            [self.python, *arguments], cwd=cwd, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def rekall(self, *arguments: str) -> str:
        """What a command of Rekall prints there."""
        return self.run("-m", "rekall", *arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command wrote one project of each kind, and nobody changed anything."""
    folder = tmp_path_factory.mktemp("projects")
    for name, kind in PROJECTS.items():
        command = [sys.executable, "-m", "rekall", "backends", "new", name, "--kind", kind]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def environment(folder: Path) -> Environment:
    """An environment with both projects, installed as the documentation says but for one option.

    Without `--no-build-isolation` pip fetches hatchling from a network, which tests must not need.
    """
    environment = Environment(folder / "environment")
    for name in PROJECTS:
        environment.run(
            *("-m", "pip", "install", "--disable-pip-version-check", "--no-build-isolation", "-e", name), cwd=folder
        )
    return environment


@pytest.fixture
def selected(environment: Environment) -> Environment:
    """The same, with both selected in config.toml."""
    home = Path(os.environ["REKALL_HOME"])
    home.mkdir(mode=0o700)
    file = home / "config.toml"
    file.write_text(
        '[backends]\ndatabase = "acme"\ncache = "acme-memory"\n'
        "[backends.database_options]\ntimeout = 1.5\n[backends.cache_options]\nmax_size = 50\n",
        encoding="utf-8",
    )
    file.chmod(0o600)
    return environment


@pytest.mark.parametrize("name", PROJECTS)
def test_the_conformance_test_passes(name: str, folder: Path, environment: Environment) -> None:
    """Unedited, in an environment where the project is installed: no failure, no warning, nearly nothing skipped."""
    printed = environment.run("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", name, cwd=folder)
    summary = printed.strip().splitlines()[-1]
    passed, _, rest = summary.partition(" passed")
    assert int(passed) > 60, printed
    skipped = rest.removeprefix(", ").partition(" skipped")[0]
    assert "failed" not in summary
    assert int(skipped) < 12, printed


def test_the_back_ends_carry_rekall(selected: Environment, tmp_path: Path) -> None:
    """Selected in config.toml: what one command adds, another finds, and an assistant too."""
    assert selected.run("-c", SEEN).split() == ["acme.database", "acme_memory.cache", "1"]
    selected.rekall("add", "bug", "Safari refuses the request", "--context-json", CONTEXT)
    assert "Safari refuses" in selected.rekall("search", "safari")
    environment = {name: os.environ[name] for name in ("HOME", "PATH", "REKALL_HOME")}
    transport = StdioTransport(
        str(selected.python),
        ["-m", "rekall", "mcp"],
        env=environment,
        cwd=str(tmp_path),
        keep_alive=False,
        log_file=tmp_path / "log",
    )
    with connected(transport) as assistant:
        assistant.add("The proxy drops the header")
        assert "Safari refuses" in assistant.call("rekall_search", query="safari").text
    assert "The proxy drops" in selected.rekall("search", "proxy")


@pytest.mark.parametrize("name", PROJECTS)
def test_the_code_is_clean(name: str, folder: Path) -> None:
    """By its own settings, by the rules of this repository, and in the eyes of a strict type checker."""
    project = folder / name
    rules = f"lint.select={_rules()}"
    package = plugin_names(name, PROJECTS[name]).package
    for command in (
        ["ruff", "check", "--no-cache", "."],
        ["ruff", "check", "--no-cache", "--config", rules, "."],
        ["ruff", "format", "--no-cache", "--check", "."],
        ["mypy", "--strict", "--python-version=3.10", f"--cache-dir={os.devnull}", package, "tests"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=project,
            env={**os.environ, "MYPYPATH": str(project)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _rules() -> str:
    """The rules of ruff that this repository keeps, as TOML."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return repr(settings["tool"]["ruff"]["lint"]["select"])


@pytest.mark.parametrize(("name", "kind"), PROJECTS.items())
def test_the_back_end_is_under_fifty_lines(name: str, kind: Kind) -> None:
    """Blank lines counted."""
    names = plugin_names(name, kind)
    lines = plugin_files(name, kind)[f"{names.package}/{kind}.py"].splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(f"class {names.class_name}("))
    end = next((number for number, line in enumerate(lines) if number > begin and line[:1].isalpha()), len(lines))
    assert len("\n".join(lines[begin:end]).rstrip().splitlines()) < 50


def test_names_become_those_of_python() -> None:
    """The package is lower case with underscores, the class in words, and the kind stands in it once."""
    assert plugin_names("acme", "database") == ("acme", "acme", "AcmeDatabase")
    assert plugin_names("My-store2", "cache") == ("My-store2", "my_store2", "MyStore2Cache")
    assert plugin_names("acme_cache", "cache") == ("acme_cache", "acme_cache", "AcmeCache")
    assert plugin_names("acme-cache", "database") == ("acme-cache", "acme_cache", "AcmeCacheDatabase")


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "2acme", "acme!", "-acme", "acme-", "a--b", "a.b", "../up", "caf\u00e9", "a\nb"]
)
def test_what_names_no_package_is_refused(name: str, tmp_path: Path) -> None:
    """In one line that says what to give; nothing is written."""
    with pytest.raises(InvalidValueError, match=r"cannot name a package: give letters and digits") as caught:
        write_project(name, tmp_path / "new")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("class", "a keyword of Python"),
        ("json", "a module of Python's standard library"),
        ("SQLite", "a back end that Rekall brings"),
        ("local", "a back end that Rekall brings"),
        ("rekall-server", "a name that is in use beside every plug-in"),
        ("pytest", "a package that is already installed here"),
    ],
)
def test_names_that_are_taken_are_refused(name: str, reason: str, tmp_path: Path) -> None:
    """Each with its reason and another name to give, which is free."""
    with pytest.raises(InvalidValueError) as caught:
        write_project(name, tmp_path / "new", "cache")
    advice = f"{name.lower().replace('-', '_')}-cache"
    assert str(caught.value) == f"{name!r} is {reason}: give another name, such as {advice}"
    assert write_project(advice, tmp_path / "new", "cache")


def test_the_reserved_names_are_those_of_the_built_in_back_ends() -> None:
    """A plug-in of such a name would never be asked for."""
    assert set(RESERVED) == {name for backends in BUILT_IN.values() for name in backends}


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """A folder that holds anything is refused, and so is a file; an empty folder is taken."""
    full, file, empty = tmp_path / "full", tmp_path / "file", tmp_path / "empty"
    full.mkdir()
    (full / "notes").write_text("mine", encoding="utf-8")
    file.write_text("mine", encoding="utf-8")
    empty.mkdir()
    with pytest.raises(InvalidValueError, match=r"full is not empty: name another folder with --into, or empty it"):
        write_project("acme", full)
    with pytest.raises(InvalidValueError, match=r"file is not a folder: name another one with --into"):
        write_project("acme", file)
    assert [path.name for path in full.iterdir()] == ["notes"]
    assert file.read_text(encoding="utf-8") == "mine"
    assert len(write_project("acme", empty)) == 6


def test_no_dependency_leads_to_a_package_index() -> None:
    """There the name of Rekall belongs to somebody else; the project says so."""
    for name, kind in PROJECTS.items():
        project = plugin_files(name, kind)["pyproject.toml"]
        assert "\ndependencies = []\n" in project
        assert 'test = ["pytest"]' in project
        assert "# Rekall is not listed: a package index holds an unrelated distribution of that name" in project


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    """One file a line, or a document; what it refuses is one line."""
    cli = CommandLine()
    into = tmp_path / "some where" / "new"
    written = cli.ok("backends", "new", "acme", "--into", str(into)).splitlines()
    assert sorted(written) == sorted(str(path) for path in into.rglob("*") if path.is_file())
    refusal = cli.fails("backends", "new", "acme", "--into", str(into))
    assert refusal == f"{into} is not empty: name another folder with --into, or empty it"
    answer: dict[str, Any] = cli.json("backends", "new", "my-store", "--kind", "cache")
    assert answer == {
        "name": "my-store",
        "distribution": "my-store",
        "kind": "cache",
        "package": "my_store",
        "class": "MyStoreCache",
        "folder": str(Path("my-store").absolute()),
        "files": [
            *("pyproject.toml", "README.md", "my_store/__init__.py", "my_store/cache.py", "my_store/py.typed"),
            "tests/test_my_store.py",
        ],
    }
    assert all(Path("my-store", file).is_file() for file in answer["files"])


def test_a_distribution_may_have_a_name_of_its_own() -> None:
    """The back end, its package and its folder keep theirs."""
    answer: dict[str, Any] = CommandLine().json("backends", "new", "acme", "--distribution", "acme-rekall")
    assert (answer["name"], answer["distribution"], answer["package"]) == ("acme", "acme-rekall", "acme")
    project = Path("acme", "pyproject.toml").read_text(encoding="utf-8")
    assert '\nname = "acme-rekall"\n' in project
    assert '\n[project.entry-points."rekall.backends.database"]\nacme = "acme:AcmeDatabase"\n' in project
    assert 'database = "acme"\n' in Path("acme", "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("distribution", "problem"),
    [
        *((name, "cannot name a distribution: give letters and digits") for name in ("", "-acme", "a/b", 'a"b', "ä")),
        *((name, "is Rekall's own: give another name, such as acme-rekall") for name in ("rekall", "Rekall_Server")),
    ],
)
def test_names_of_a_distribution_that_none_can_have_are_refused(
    distribution: str, problem: str, tmp_path: Path
) -> None:
    """Before anything is written."""
    with pytest.raises(InvalidValueError, match=re.escape(problem)):
        write_project("acme", tmp_path / "new", distribution=distribution)
    assert not (tmp_path / "new").exists()


def test_a_person_is_told_what_comes_next() -> None:
    """How to install, test and select it, in words that a shell takes."""
    status, shown = run_in_terminal(["backends", "new", "acme", "--into", "my folder"])
    assert status == 0
    assert shown.partition("\n\n")[2].splitlines() == [
        "Next, in the environment that holds this Rekall:",
        "  pip install -e 'my folder[test]'",
        "  pytest 'my folder'",
        "and to use it, in config.toml:",
        "  [backends]",
        '  database = "acme"',
    ]
