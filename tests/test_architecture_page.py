"""docs/architecture.md and its picture tell of the house as it is."""

from __future__ import annotations

import pkgutil
import re
import sys
import traceback
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import architecture_picture_run as drawing
import pytest
from support.command_line import CommandLine

from rekall.infra import DefaultDatabaseBackend, ServiceContainer
from rekall.infra.interfaces import Params, Row

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "rekall"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_is_that_of_the_layers() -> None:
    """Drawn anew and compared; `tools/architecture-picture` writes it when a change was meant."""
    assert drawing.picture() == drawing.PICTURE.read_text("utf-8")


def test_a_change_of_the_layers_changes_the_picture(tmp_path: Path) -> None:
    """A module that moved is drawn elsewhere; a layer that the picture does not know is refused."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    changed = tmp_path / "pyproject.toml"
    changed.write_text(text.replace('    "db : cache",\n', '    "db : cache : capture_more",\n'), encoding="utf-8")
    assert "db, cache, capture_more" in drawing.picture(changed)
    changed.write_text(text.replace('    "db : cache",\n', '    "db : cache",\n    "attic",\n'), encoding="utf-8")
    with pytest.raises(ValueError, match="the layer of attic has 0 titles"):
        drawing.picture(changed)


def _root() -> ET.Element:
    return ET.parse(drawing.PICTURE).getroot()  # noqa: S314  # a file of our own


def _boxes() -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right and bottom of each box, the page aside."""
    for box in _root().iter(f"{SVG}rect"):
        if box.get("class") != "page":
            x, y, width, height = (int(box.get(name, "0")) for name in ("x", "y", "width", "height"))
            yield x, y, x + width, y + height


def test_nothing_in_the_picture_lies_on_anything_else() -> None:
    """No box on another, each text inside one box (but for the two headings), no two lines closer than a line."""
    root = _root()
    page = tuple(int(root.get(name, "0")) for name in ("width", "height"))
    boxes = sorted(_boxes())
    assert all(right <= page[0] and bottom <= page[1] for _, _, right, bottom in boxes)
    for left, top, right, bottom in boxes:
        others = [box for box in boxes if box != (left, top, right, bottom)]
        assert not any(left < r and x < right and top < b and y < bottom for x, y, r, b in others)
    outside = 0
    lines: set[tuple[int, int]] = set()
    for text in root.iter(f"{SVG}text"):
        x, y, length = int(text.get("x", "0")), int(text.get("y", "0")), len("".join(text.itertext()))
        half = length * 7 // 2 if text.get("text-anchor") == "middle" else 0
        inside = [box for box in boxes if box[0] < x - half and x - half + length * 7 < box[2] and box[1] < y < box[3]]
        outside += not inside
        assert not any(x == other and abs(y - before) < drawing.LINE for other, before in lines)
        lines.add((x, y))
    assert outside == 2


def test_the_picture_is_on_the_page_and_has_words() -> None:
    """With an alternative text there, and a title and a description inside."""
    (text,) = re.findall(r"!\[([^\]]+)\]\(architecture\.svg\)", PAGE)
    assert "layer" in text
    root = _root()
    assert [root.find(f"{SVG}{name}") is not None for name in ("title", "desc")] == [True, True]


class Recorded(DefaultDatabaseBackend):
    """Keeps the stack of each full-text query."""

    stacks: ClassVar[list[list[str]]] = []

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        if "MATCH" in query:
            Recorded.stacks.append([frame.f_globals["__name__"] for frame, _ in traceback.walk_stack(sys._getframe())])
        return super().fetch_all(query, params)


def test_the_call_goes_the_way_that_is_drawn() -> None:
    """From the command to the back end, through the modules of the picture in its order; each name is there."""
    cli = CommandLine()
    cli.add("CORS in Safari")
    Recorded.stacks.clear()
    ServiceContainer.get_instance().register("database", Recorded)
    assert "CORS in Safari" in cli.ok("search", "cors safari")
    stack = [module for module in reversed(Recorded.stacks[0]) if module != __name__]
    *way, end = drawing.CALL
    places = [next(n for n, module in enumerate(stack) if step.code.startswith(f"{module}.")) for step in way]
    assert places == sorted(places)
    assert pkgutil.resolve_name(end.code) is DefaultDatabaseBackend.fetch_all
    assert all(callable(pkgutil.resolve_name(step.code)) for step in way)


def test_every_part_is_on_the_page() -> None:
    """The top-level modules and folders of the package, and each file of the adapter layer."""
    tree = PAGE[PAGE.index("```\nrekall/") :].partition("\n```\n")[0]
    missing = []
    for part in sorted(PACKAGE.iterdir()):
        if part.name.startswith("_") or part.suffix not in ("", ".py"):
            continue
        name = f"{part.name}/" if part.is_dir() else part.name
        if not re.search(rf"(?<![\w/.]){re.escape(name)}", tree):
            missing.append(name)
    assert missing == []
    table = PAGE[PAGE.index("| file of `infra/`") :].partition("\n\n")[0]
    named = {name for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == {file.stem for file in (PACKAGE / "infra").glob("[!_]*.py")}


def test_every_path_on_the_page_is_there() -> None:
    """Files in backticks, below the package or the checkout."""
    paths = re.findall(r"`((?:\w+/)*[\w-]+(?:\.py|\.toml|\.json|/))`", PAGE)
    assert len(paths) > 10
    places = (PACKAGE, PACKAGE / "infra", ROOT)
    gone = [path for path in paths if not any((place / path).exists() for place in places)]
    assert set(gone) <= {"config.toml"}  # the user's
