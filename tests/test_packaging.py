"""What users install: the wheel and the sdist, built for real."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import rekall

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=ROOT.anchor,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(folder: Path, *kinds: str) -> Path:
    """The wheel that `python -m build` makes of the checkout."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, *kinds, ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    built(folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> dict[str, bytes]:
    """The members of the wheel."""
    return members(next(dist.glob("*.whl")))


def members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: dict[str, bytes]) -> Message:
    (name,) = [name for name in wheel if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel[name].decode("utf-8"))


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: dict[str, bytes]) -> None:
    """Every file of `rekall/` is shipped as it is, with the changelog that `rekall changelog` reads."""
    sources = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / "rekall").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    sources["rekall/CHANGELOG.md"] = (ROOT / "CHANGELOG.md").read_bytes()
    assert {name: data for name, data in wheel.items() if ".dist-info/" not in name} == sources
    assert {"rekall/py.typed", "rekall/deprecations.toml"} <= sources.keys()


def test_a_wheel_from_the_sdist_is_the_wheel_from_the_checkout(wheel: dict[str, bytes], tmp_path: Path) -> None:
    """Whoever builds from the published sources gets the same bytes."""
    assert members(built(tmp_path, "--wheel")) == wheel


def test_the_sdist_can_be_tested_and_read(dist: Path) -> None:
    """The sources come with their tests, tools, documents and licence."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "tests/conftest.py",
        "tests/data/databases/v05.db.xz",
        "tools/test",
        "docs/knowledge.json",
    } <= names


def test_the_metadata_say_what_it_is(wheel: dict[str, bytes]) -> None:
    """Name, version, Python range and licence; the MCP tools need no extra."""
    stated = metadata(wheel)
    assert stated["Name"] == "rekall"
    assert stated["Version"] == rekall.__version__ == "1.0.0.dev0"
    assert set(stated["Requires-Python"].split(",")) == {">=3.10", "<3.14"}
    assert stated["License-Expression"] == "MIT"
    required = [line for line in stated.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert any(line.startswith("fastmcp") for line in required)


@pytest.mark.parametrize("start", ["script", "module"])
def test_pip_install_gives_the_command(start: str, tmp_path: Path) -> None:
    """`pip install .` gives `rekall` and `python -m rekall`, the same program."""
    pip = (sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-build-isolation", "--no-index")
    run(*pip, "--target", tmp_path, ROOT)
    command = [tmp_path / "bin" / "rekall"] if start == "script" else [sys.executable, "-m", "rekall"]
    answer = run(*command, "version", PYTHONPATH=str(tmp_path))
    assert rekall.get_version_string() in answer
    where = run(sys.executable, "-c", "import rekall; print(rekall.__file__)", PYTHONPATH=str(tmp_path))
    assert Path(where.strip()) == tmp_path / "rekall" / "__init__.py"


@pytest.mark.skipif(
    not os.environ.get("CI") and not os.environ.get("REKALL_TEST_WHEEL"),
    reason="outside tools/test and CI the checkout itself may be tested",
)
def test_the_tests_run_against_the_installed_wheel() -> None:
    """A file that the wheel lacks, or a module that only the checkout can import, must fail here."""
    assert Path(rekall.__file__).is_relative_to(sysconfig.get_path("purelib"))
    assert str(ROOT) not in sys.path


@pytest.mark.parametrize(
    "tool",
    ["tools/test", "tools/demo", "tools/bench", "tools/contract", "tools/cli-page", "tools/deprecations", ".ci/run"],
)
def test_tools_are_executables_that_explain_themselves(tool: str) -> None:
    """A tool that lost its mode in a checkout, or does not parse, is found here."""
    assert os.access(ROOT / tool, os.X_OK)
    run("bash", "-n", ROOT / tool)
    if tool != ".ci/run":
        assert run(ROOT / tool, "--help").startswith(f"Usage: {tool}")
