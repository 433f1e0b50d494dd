"""What teams install: the wheel of the server, together with that of Rekall."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from server_support.linked import linked_environment
from server_support.server import environment, started
from support.command_line import CONTEXT

import rekall
import rekall_server

SERVER = Path(__file__).parents[1]
ROOT = SERVER.parent
if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT.anchor,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, SERVER)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> dict[str, bytes]:
    """The members of the wheel."""
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(wheel: dict[str, bytes]) -> Message:
    (name,) = [name for name in wheel if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel[name].decode("utf-8"))


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: dict[str, bytes]) -> None:
    """Every file of `rekall_server/` as it is, the mark that it is typed, and the licence."""
    sources = {
        path.relative_to(SERVER).as_posix(): path.read_bytes()
        for path in (SERVER / "rekall_server").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name: data for name, data in wheel.items() if ".dist-info/" not in name} == sources
    assert "rekall_server/py.typed" in sources
    (licence,) = [data for name, data in wheel.items() if name.endswith("/licenses/LICENSE")]
    assert licence == (ROOT / "LICENSE").read_bytes()


def test_the_sdist_can_be_tested_and_deployed(dist: Path) -> None:
    """The sources come with their tests, the examples of deployment, the page and the licence."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "tests/conftest.py",
        "deploy/rekall-server.service",
        "deploy/Containerfile",
    } <= names


def test_the_metadata_say_what_it_is(metadata: Message) -> None:
    """Name, version, Python range, licence and description, those of Rekall where they are common."""
    ours = tomllib.loads((SERVER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    of_rekall = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["Name"] == "rekall-server"
    assert metadata["Version"] == rekall_server.__version__ == rekall.__version__
    assert metadata["License-Expression"] == "MIT"
    assert (ours["requires-python"], ours["authors"]) == (of_rekall["requires-python"], of_rekall["authors"])
    assert str(metadata.get_payload()).startswith("# Rekall Server")


def test_it_requires_this_rekall_or_a_later_one(metadata: Message) -> None:
    """An older Rekall lacks the seams that the server stands on; what both require, they require alike."""
    required = {one.name: one for one in map(Requirement, metadata.get_all("Requires-Dist", []))}
    assert str(required["rekall"].specifier) == f">={rekall.__version__}"
    assert required["rekall"].specifier.contains(rekall.__version__)
    of_rekall = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    for one in map(Requirement, of_rekall):
        if one.name in required:
            assert required[one.name].specifier == one.specifier, one.name


def test_its_entry_points_load(wheel: dict[str, bytes]) -> None:
    """The command, and the back ends under the names that configurations select."""
    (name,) = [name for name in wheel if name.endswith(".dist-info/entry_points.txt")]
    points = ConfigParser()
    points.optionxform = str  # type: ignore[assignment,method-assign]  # names of entry points have cases
    points.read_string(wheel[name].decode("utf-8"))
    assert {group: sorted(points[group]) for group in points.sections()} == {
        "console_scripts": ["rekall-server"],
        "rekall.backends.cache": ["redis"],
        "rekall.backends.database": ["pooled"],
    }
    for group in points.sections():
        for value in points[group].values():
            module, _, attribute = value.partition(":")
            run(sys.executable, "-c", f"from {module} import {attribute}")


def test_pip_installs_both_on_a_machine_that_has_neither(tmp_path: Path) -> None:
    """`pip install . ./server` with no index at all; then a client of another maker adds, searches and shows."""
    python = linked_environment(tmp_path / "venv", "-rekall-server", "-rekall", "pip", "hatchling")
    with_neither = subprocess.run([python, "-c", "import rekall"], capture_output=True, check=False)
    assert with_neither.returncode == 1
    pip = (python, "-m", "pip", "install", "-qq", "--no-index", "--no-build-isolation", ".", "./server")
    run(*pip, cwd=ROOT)
    scripts = python.parent
    assert f"rekall-server {rekall_server.__version__}" in run(scripts / "rekall-server", "--version")
    assert rekall.__version__ in run(scripts / "rekall", "version")
    listed = [line.split("\t") for line in run(scripts / "rekall", "backends").splitlines()]
    ours = [row for row in listed if any(cell.startswith("rekall-server") for cell in row)]
    assert {(row[0], row[1]) for row in ours} == {("database", "pooled"), ("cache", "redis")}
    assert run(python, "-m", "pip", "check")
    with started([str(scripts / "rekall-server"), "--port", "0"], tmp_path, environment(tmp_path)) as server:
        entry = {"type": "bug", "title": "CORS in Safari", "content": "", "context": json.loads(CONTEXT)}
        added = server.call("rekall_add", entry).structured_content["id"]
        found = server.call("rekall_search", {"query": "safari"}).structured_content["results"]
        assert [hit["id"] for hit in found] == [added]
        shown = server.call("rekall_show", {"id": added}).structured_content["entry"]
        assert shown["title"] == "CORS in Safari"
        assert server.stop() == 0


@pytest.mark.skipif(
    not os.environ.get("CI") and not os.environ.get("REKALL_TEST_WHEEL"),
    reason="outside tools/test and CI the checkout itself may be tested",
)
def test_the_tests_run_against_the_installed_wheels() -> None:
    """A file that a wheel lacks, or a module that only the checkout can import, must fail here."""
    assert Path(rekall_server.__file__).is_relative_to(sysconfig.get_path("purelib"))
    assert not Path(rekall.__file__).is_relative_to(ROOT / "rekall")
    assert not {str(ROOT), str(SERVER)} & set(sys.path)


def test_both_ways_to_run_the_tests_agree() -> None:
    """pytest reads the settings of the server or of Rekall, by what is asked for: both are as strict."""
    ours, of_rekall = (
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
        for folder in (SERVER, ROOT)
    )
    for key in ("addopts", "filterwarnings", "timeout", "markers"):
        assert ours[key] == of_rekall[key]
