"""docs/backends.md can be followed as it stands: its files run, are typed, pass the kit, and say what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from support.command_line import CONTEXT

from rekall.testing import CacheConformance, DatabaseConformance

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "backends.md").read_text("utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {found[1]: text for _, text in BLOCKS if (found := re.match(r"# (\w+\.py)\n", text))}
PYPROJECT = next(text for language, text in BLOCKS if language == "toml" and "[build-system]" in text)
SELECTED = next(text for language, text in BLOCKS if language == "toml" and 'cache = "acme"' in text)
HOME = "~/.config/rekall"
"""Where the page has the configuration."""


class Place(NamedTuple):
    """Where the page is followed.

    Args:
        project: the folder with the files.
        site: where the distribution is installed.
        home: becomes REKALL_HOME.
    """

    project: Path
    site: Path
    home: Path

    def run(
        self, *command: str | Path, extra: Mapping[str, str] | None = None, path: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What a command says there, with the installed distribution, or what else is at a path, to import from."""
        own = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTHONPATH")}
        own |= {"PYTHONPATH": str(path or self.site), "REKALL_HOME": str(self.home), **(extra or {})}
        return subprocess.run(command, cwd=self.project, env=own, capture_output=True, text=True, check=False)

    def rekall(
        self, *words: str, extra: Mapping[str, str] | None = None, path: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The command line there."""
        return self.run(sys.executable, "-m", "rekall", *words, extra=extra, path=path)

    def configure(self, text: str) -> None:
        """Make this the configuration."""
        self.home.mkdir(exist_ok=True)
        file = self.home / "config.toml"
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)

    def said(self, done: subprocess.CompletedProcess[str]) -> str:
        """The one line of a refusal, with the page's folder in the place of this one."""
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr.strip().replace(str(self.home), HOME)


def installed(project: Path, site: Path) -> None:
    """Install a project as a distribution of its own, without touching the environment of the tests."""
    options = ["-q", "--no-build-isolation", "--no-deps", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(project)], check=True, capture_output=True)


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder with files."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Every file of the page, and the distribution of its pyproject.toml installed."""
    folder = tmp_path_factory.mktemp("page")
    project = written(folder / "project", {**FILES, "pyproject.toml": PYPROJECT})
    installed(project, folder / "site")
    return Place(project, folder / "site", folder / "home")


@pytest.fixture
def place(followed: Place, tmp_path: Path) -> Place:
    """The same with a home of its own."""
    return followed._replace(home=tmp_path / "home")


def code_lines(name: str) -> list[str]:
    """The lines of the class in a file, blank ones aside."""
    text = FILES[name]
    return [line for line in text[text.index("\nclass ") :].splitlines() if line.strip()]


def test_the_examples_are_short() -> None:
    """45 lines of code at most."""
    assert len(code_lines("acme_database.py")) <= 45
    assert len(code_lines("acme_cache.py")) <= 45
    folder = code_lines("acme_folder.py")
    assert len(folder[: folder.index("def living(file: Path) -> tuple[Any] | None:")]) < 50


def test_every_file_runs(followed: Place) -> None:
    """Each by itself, warnings being errors; so no block of Python is without a name."""
    assert len([1 for language, _ in BLOCKS if language == "python"]) == len(FILES) + 1  # and the embedder
    for name in FILES:
        done = followed.run(sys.executable, "-W", "error", name)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), name


def test_the_files_are_typed(followed: Place) -> None:
    """Strictly."""
    options = ["--strict", "--cache-dir", str(ROOT / ".mypy_cache"), "--python-version", "3.10"]
    names = [name for name in FILES if not name.startswith("test_")]
    done = followed.run(sys.executable, "-m", "mypy", *options, *names, path=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples_pass_the_kit_as_in_ci(followed: Place, tmp_path: Path) -> None:
    """The three lines of a CI job, pip installing where it cannot disturb; what skips is a capability not stated."""
    (lines,) = (text for _, text in BLOCKS if "CI=true" in text)
    site = tmp_path / "site"
    shell = (
        "set -e\n"
        f'pytest() {{ "{sys.executable}" -m pytest -q -rs -W error -p no:cacheprovider "$@"; }}\n'
        f'pip() {{ [[ $* == "install $REKALL" || $* == "install -e .[test]" ]]; [[ $2 == "$REKALL" ]] ||\n'
        f'    "{sys.executable}" -m pip install -q --no-build-isolation --no-deps --target "{site}" .; }}\n'
    )
    done = followed.run("bash", "-c", shell + lines, extra={"REKALL": str(ROOT), "ACME_TEST_SERVER": "here"}, path=site)
    passed = re.search(r"(\d+) passed, (\d+) skipped", done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert passed is not None
    assert int(passed[1]) > 150
    skipped = re.findall(r"^SKIPPED \[(\d+)\] \S+ not checked: ", done.stdout, re.MULTILINE)
    assert sum(map(int, skipped)) == int(passed[2])


def test_an_editable_install_needs_no_network(followed: Place, tmp_path: Path) -> None:
    """The wheel that pip asks hatchling for puts the folder on the path: anything else takes one more module."""
    build = "import sys, hatchling.build as build; print(build.build_editable(sys.argv[1]))"
    done = followed.run(sys.executable, "-c", build, tmp_path)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / done.stdout.strip()) as wheel:
        (pth,) = (each for each in wheel.namelist() if each.endswith(".pth"))
        assert wheel.read(pth).decode().split() == [str(followed.project)]


def test_the_backup_passes_the_kit(followed: Place) -> None:
    """Its own checks, and those of Rekall's that make one."""
    (followed.project / "test_backup.py").write_text(
        "from acme_backup import AcmeWithBackup\n"
        "from rekall.testing import DatabaseConformance\n"
        "class TestAcmeWithBackup(DatabaseConformance):\n"
        "    backend = AcmeWithBackup\n"
        "    capabilities = ('persistent', 'backup')\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_backup.py"]
    done = followed.run(*command, "-k", "backup or migrat or closed or refused", extra={"CI": "true"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE)


def test_what_is_missing_fails_where_it_must_not(followed: Place) -> None:
    """A test that needs a server skips without it, fails in strict mode, and passes with it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_elsewhere.py"]
    assert re.search(r"^\d+ skipped", followed.run(*command).stdout, re.MULTILINE)
    strict = followed.run(*command, extra={"CI": "true"})
    assert strict.returncode == 1
    assert "ACME_TEST_SERVER names no server to test on" in strict.stdout
    done = followed.run(*command, extra={"CI": "true", "ACME_TEST_SERVER": "here"})
    assert done.returncode == 0, done.stdout


def test_the_capabilities_are_those_of_the_kit() -> None:
    """Each flag of the table, and no other."""
    rows = re.findall(r"^\| `(\w+)` \| (database|cache) \|", PAGE, re.MULTILINE)
    kits = {"database": DatabaseConformance, "cache": CacheConformance}
    assert sorted(rows) == sorted((flag, kind) for kind, kit in kits.items() for flag in kit.known_capabilities)


def test_the_examples_carry_the_command_line(place: Place) -> None:
    """Installed, and selected as the page says."""
    place.configure(SELECTED)
    added = place.rekall("add", "bug", "CORS in Safari", "--context-json", CONTEXT)
    assert added.returncode == 0, added.stderr
    assert "CORS in Safari" in place.rekall("search", "cors safari").stdout
    checked = place.rekall("backends", "--check")
    assert [line.split("\t")[:3] for line in checked.stdout.splitlines()] == [
        ["ok", "database", "acme"],
        ["ok", "cache", "acme"],
    ]
    assert "acme on" in place.rekall("doctor").stdout


def test_the_lines_to_try_work(place: Place) -> None:
    """With the back end that is selected, and with the one that a variable selects."""
    (lines,) = (text for _, text in BLOCKS if text.startswith("rekall add bug"))
    shell = f'set -e\nrekall() {{ "{sys.executable}" -m rekall "$@"; }}\n{lines}'
    place.configure(SELECTED)
    done = place.run("bash", "-c", shell)
    assert (done.returncode, "CORS in Safari" in done.stdout) == (0, True), done.stderr


def test_the_cache_in_a_folder_is_selected_with_its_place(place: Place) -> None:
    """As an option of its own; a program finds what another one left there."""
    (text,) = (
        text for language, text in BLOCKS if language == "toml" and "acme-folder" in text and "directory" in text
    )
    folder = place.home / "cache of acme"
    place.configure(text.replace("~/.cache/acme", str(folder)))
    assert "ok\tcache\tacme-folder" in place.rekall("backends", "--check").stdout
    assert place.rekall("add", "bug", "CORS in Safari", "--context-json", CONTEXT).returncode == 0
    assert place.run(sys.executable, "-c", "import uses; print(uses.count())").stdout == "1\n"
    kept = "from rekall.infra import get_cache; print(get_cache().get('count'))"
    assert place.run(sys.executable, "-c", kept).stdout == "1\n"
    assert [file.suffix for file in folder.iterdir()] == [".acme"]
    place.configure('[backends]\ncache = "acme-folder"\n')
    assert "directory" in place.rekall("backends", "--check").stdout


def test_options_are_those_of_the_back_end_that_the_file_names(place: Place) -> None:
    """Set aside when a variable selects another; given to whichever is selected when the file names none."""
    options = "[backends.database_options]\ntiemout = 2\n"
    for named, status in (('[backends]\ndatabase = "sqlite"\n\n', 0), ("", 1)):
        place.configure(named + options)
        done = place.rekall("backends", "--check", extra={"REKALL_DATABASE_BACKEND": "acme"})
        assert (done.returncode, "tiemout" in done.stdout) == (status, status == 1), done.stdout


def test_no_secret_of_the_options_is_shown(place: Place) -> None:
    """By their names, as the page lists them, and inside a URL."""
    sentence = PAGE[PAGE.index("**Secrets.**") :].partition("as `***`")[0]
    names = re.findall(r"`(\w+)`", sentence)
    assert len(names) == 4
    lines = [f'{name} = "planted-{name}"' for name in names]
    lines.append('url = "https://me:planted-url@db.example.org"')
    place.configure('[backends]\ndatabase = "acme"\n\n[backends.database_options]\n' + "\n".join(lines) + "\n")
    for command in (
        ("config",),
        ("config", "--json"),
        ("backends", "--check"),
        ("doctor",),
        ("search", "cors", "--debug"),
    ):
        done = place.rekall(*command)
        assert "planted" not in done.stdout + done.stderr, command
    assert place.rekall("config").stdout.count("***") == 5


def test_a_variable_selects_for_one_command(place: Place) -> None:
    """The line of the page, in a shell."""
    (line,) = (text for _, text in BLOCKS if text.startswith("REKALL_DATABASE_BACKEND="))
    shell = f'rekall() {{ "{sys.executable}" -m rekall "$@"; }}\n'
    place.configure("")
    assert place.rekall("add", "bug", "CORS in Safari", "--context-json", CONTEXT).returncode == 0
    done = place.run("bash", "-c", shell + line.replace("acme rekall", "acmee rekall"))
    assert "REKALL_DATABASE_BACKEND is 'acmee'" in done.stderr
    assert "CORS in Safari" in place.run("bash", "-c", shell + line).stdout
    assert place.rekall("doctor").stdout.count("acme") == 0


def test_a_program_registers_what_the_command_line_then_uses(place: Place) -> None:
    """`mine.py`, run as the page says, with nothing installed."""
    place.configure('[backends]\ndatabase = "mine"\n')
    (line,) = (text for _, text in BLOCKS if text.startswith("python -c"))
    program = f'python() {{ "{sys.executable}" "$@"; }}\n' + line[: line.index("search")]
    add = f"{program} add bug 'CORS in Safari' --context-json '{CONTEXT}'"
    assert place.run("bash", "-c", add, path=place.project).returncode == 0
    search = program + line[line.index("search") :]
    assert "CORS in Safari" in place.run("bash", "-c", search, path=place.project).stdout
    assert "mine on" in place.run("bash", "-c", f"{program} doctor", path=place.project).stdout


def test_a_new_project_works_as_it_is(place: Place, tmp_path: Path) -> None:
    """The commands of the page, pip installing where it cannot disturb; and the table names each file."""
    (lines,) = (text for _, text in BLOCKS if text.startswith("rekall backends new"))
    site = tmp_path / "other"
    shell = (
        "set -e\n"
        f'rekall() {{ "{sys.executable}" -m rekall "$@"; }}\n'
        f'pytest() {{ "{sys.executable}" -m pytest -q -p no:cacheprovider -k interface "$@"; }}\n'
        f'pip() {{ "{sys.executable}" -m pip install -q --no-build-isolation --no-deps --target "{site}" ./acme; }}\n'
    )
    work = tmp_path / "work"
    work.mkdir()
    done = place._replace(project=work).run("bash", "-c", shell + lines, path=site)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)
    table = PAGE[PAGE.index("| file | what it is |") :].partition("\n\n")[0]
    found = {file.relative_to(work / "acme").as_posix() for file in (work / "acme").rglob("*") if file.is_file()}
    found = {name for name in found if "__pycache__" not in name}
    assert set(re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)) == found


# what is wrong with it, and the file that is the plug-in
FAULTS = {
    "its driver is missing": "import acme_driver\n",
    "it does not say for which interface": FILES["acme_database.py"].replace("    interface_version = 1\n", ""),
    "it is for a newer Rekall": FILES["acme_database.py"].replace(
        "interface_version = 1", 'interface_version = 2\n    minimum_rekall = "2.0"'
    ),
    "it hangs": FILES["acme_database.py"].replace(
        "self._path.parent.mkdir", "__import__('time').sleep(60)\n                self._path.parent.mkdir"
    ),
    "it lets an error of its own out": FILES["acme_database.py"].replace(
        "        refuse_writes(query)\n", '        raise RuntimeError("no more handles")\n'
    ),
}
LATER_REKALL = """
import sys
from pathlib import Path
from rekall.deprecation import Deprecation
from rekall.errors import RekallError
from rekall.infra import ServiceContainer
from rekall.infra.versions import Supported
goes = Deprecation("interface 1 of database back ends", "interface", "2.0", "4.0", "interface 2")
for supported in (Supported(1, 2, {1: "1.0", 2: "2.0"}, {1: goes}), Supported(2, 3, {2: "2.0", 3: "3.0"})):
    try:
        container = ServiceContainer(supported=supported)
        container.database(Path("k.db"))
        container.close()
    except RekallError as error:
        print(f"rekall: {error}", file=sys.stderr)
"""


def plugin(folder: Path, text: str, name: str = "acme-rekall") -> Path:
    """Where a distribution is installed that brings one file as the back end acme."""
    pyproject = PYPROJECT.replace(', "acme_cache.py", "acme_folder.py"', "").replace('"acme-rekall"', f'"{name}"')
    installed(written(folder, {"acme_database.py": text, "pyproject.toml": pyproject}), folder / "site")
    return folder / "site"


@pytest.fixture
def produced(place: Place, tmp_path: Path) -> set[str]:
    """Every line that the page shows, as it comes when something is wrong."""
    place.configure("")
    assert place.rekall("add", "bug", "CORS in Safari", "--context-json", CONTEXT).returncode == 0
    lines = {place.said(place.rekall("search", "cors", extra={"REKALL_DATABASE_BACKEND": "acmee"}))}
    for options in ("tiemout = 2", 'timeout = "2"'):
        place.configure(f'[backends]\ndatabase = "acme"\n\n[backends.database_options]\n{options}\n')
        lines.add(place.said(place.rekall("search", "cors")))
    place.configure('[backends]\ndatabase = "acme"\n')
    for number, (fault, text) in enumerate(FAULTS.items()):
        # elsewhere than the files of the page, which Python would import first
        other = place._replace(project=place.home, site=plugin(tmp_path / f"plugin{number}", text))
        command = ("backends", "--check", "--timeout", "3") if fault == "it hangs" else ("search", "cors")
        done = other.rekall(*command)
        if fault == "it hangs":
            lines.add(done.stdout.splitlines()[0].replace("\t", "  ").replace(str(place.home), HOME))
        else:
            lines.add(place.said(done))
    twice = plugin(tmp_path / "twice", FILES["acme_database.py"], "other-acme")
    both = os.pathsep.join(map(str, (place.site, twice)))
    lines.add(place.said(place.rekall("search", "cors", extra={"PYTHONPATH": both})))
    for file in place.home.glob("knowledge.db*"):
        file.unlink()
    (place.home / "knowledge.db").mkdir()
    lines.add(place.said(place.rekall("search", "cors")))
    done = place.run(sys.executable, "-W", "default::DeprecationWarning", "-c", LATER_REKALL)
    later = done.stderr.replace(f"{place.project}/", "").replace(str(place.home), HOME).splitlines()
    return lines | {line for line in later if not line.startswith(" ")}


def test_what_the_page_shows_is_said(produced: set[str]) -> None:
    """Every message of the page, and each of these is on it."""
    shown = [line for language, text in BLOCKS if language == "text" for line in text.splitlines()]
    assert "\n".join(sorted(produced)) == "\n".join(sorted(shown))
