"""docs/errors.md has every error, invents none, and shows what is really printed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from support.error_page import COMMENT, PAGE, block, filled
from support.error_scenes import SCENES
from support.error_texts import TEXTS

import rekall
from rekall import errors
from rekall.cli.failures import FAILED, INTERRUPTED
from rekall.errors import RekallError

TEXT = PAGE.read_text("utf-8")
CLASSES = {name: cls for name, cls in vars(errors).items() if inspect.isclass(cls) and issubclass(cls, RekallError)}
SECTIONS = {
    part.partition("`")[0]: re.split(r"^#", part, maxsplit=1, flags=re.MULTILINE)[0]
    for part in re.split(r"^### `", TEXT, flags=re.MULTILINE)[1:]
}
"""The text under each heading that names a class."""


@pytest.mark.parametrize("name", COMMENT.findall(TEXT))
def test_the_text_is_the_one_that_is_printed(name: str) -> None:
    """Made to happen and compared; `tools/errors-page` writes it when a change was meant."""
    assert f"<!-- {name} -->\n{block(name)}" in TEXT


def test_every_scene_is_on_the_page_once() -> None:
    """None is made to happen for nobody, and no name is in two tables."""
    assert sorted(COMMENT.findall(TEXT)) == sorted([*SCENES, *TEXTS])
    assert filled(TEXT, lambda name: f"[{name}]\n").count("```") == 0  # no block stands without a comment


def test_every_class_has_its_heading() -> None:
    """Those of `rekall.errors`, each once, and nothing else."""
    headings = re.findall(r"^### `(\w+)`$", TEXT, re.MULTILINE)
    assert sorted(headings) == sorted(CLASSES)
    assert len(CLASSES) > 30


@pytest.mark.parametrize("name", CLASSES)
def test_a_section_names_what_else_the_class_is(name: str) -> None:
    """Whoever catches `ValueError` or a class of sqlite3 finds what they catch."""
    general = {"Exception", "RekallError", "BackendError", "DatabaseError", "CacheError", "OutcomeUnknownError"}
    bases = [base for base in CLASSES[name].__bases__ if base.__name__ not in general or base.__module__ == "sqlite3"]
    words = [f"sqlite3.{base.__name__}" if base.__module__ == "sqlite3" else base.__name__ for base in bases]
    assert [word for word in words if f"`{word}`" not in SECTIONS[name]] == []


def _shown() -> list[tuple[str, str]]:
    """Every block below a heading that names a class, with that class."""
    return [(name, each) for name, section in SECTIONS.items() for each in COMMENT.findall(section)]


@pytest.mark.parametrize(("name", "each"), [(name, each) for name, each in _shown() if each in TEXTS])
def test_an_error_stands_under_its_class(name: str, each: str) -> None:
    """Each text of Python begins with the class that was raised."""
    raised = re.search(rf"<!-- {each} -->\n```text\n(\w+): ", TEXT)
    assert raised is not None
    assert issubclass(CLASSES[raised[1]], CLASSES[name])


RAISED_OTHERWISE = {"value-link": ValueError, "import-strategy": errors.InvalidValueError}
"""Blocks whose text says that they are of another class than the heading."""


@pytest.mark.parametrize(("name", "each"), [(name, each) for name, each in _shown() if each in SCENES])
def test_a_command_fails_with_the_class_of_its_heading(name: str, each: str, tmp_path: Path) -> None:
    """The same command again, looked at from inside."""
    expected = RAISED_OTHERWISE.get(each, CLASSES[name])
    raised = SCENES[each].raised(tmp_path)
    found = CLASSES.get(raised) or ValueError
    assert found.__name__ == raised
    assert issubclass(found, expected)


OF_BACK_ENDS = [name for name in SCENES if name.startswith(("backend-", "plugin-"))]
REACHED = {"plugin-unreachable": errors.DatabaseUnavailableError, "plugin-raises": errors.DatabaseError}


@pytest.mark.parametrize("each", OF_BACK_ENDS)
def test_a_back_end_that_cannot_be_used_is_a_matter_of_the_configuration(each: str, tmp_path: Path) -> None:
    """Until it is made and asked: then its own errors come."""
    assert SCENES[each].raised(tmp_path) == REACHED.get(each, errors.ConfigError).__name__


def test_what_looks_for_an_error_leads_to_a_section() -> None:
    """Every link inside the page, as a browser makes anchors of headings."""
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#([\w-]+)\)", TEXT)
    assert len(links) > 12
    assert set(links) <= anchors
    pages = re.findall(r"\]\(([\w-]+\.md)\)", TEXT)
    assert [page for page in pages if not (PAGE.parent / page).exists()] == []


def test_every_exit_status_is_told() -> None:
    """Those that commands end with."""
    section = TEXT[TEXT.index("## Exit status") : TEXT.index("## Wrong usage")]
    told = [int(number) for number in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)]
    assert told == [0, FAILED, 2, INTERRUPTED]
    shown = {int(number) for number in re.findall(r"^\(exit status (\d+)\)$", TEXT, re.MULTILINE)}
    assert shown == {FAILED, 2}


def test_errors_beside_the_tree_are_told() -> None:
    """Every other class of Rekall that derives from `RekallError`, in its table."""
    for module in pkgutil.walk_packages(rekall.__path__, "rekall."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    section = TEXT[TEXT.index("## Errors of single modules") :]
    told = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(told) == sorted(cls.__name__ for cls in _below(RekallError) if _is_beside(cls))


def _below(cls: type) -> set[type]:
    return {cls}.union(*map(_below, cls.__subclasses__()))


def _is_beside(cls: type) -> bool:
    return (
        cls.__module__.startswith("rekall.") and cls.__module__ != "rekall.errors" and not cls.__name__.startswith("_")
    )


@pytest.mark.parametrize("page", ["README.md", "docs/user.md"])
def test_the_page_is_found(page: str) -> None:
    """From where somebody reads about Rekall."""
    assert "errors.md)" in (PAGE.parents[1] / page).read_text("utf-8")
