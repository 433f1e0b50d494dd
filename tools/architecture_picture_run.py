"""Writes docs/architecture.svg: the layers as pyproject.toml has import-linter check them, and one call through them.

A layer that this file does not know by one of its modules ends it with an error, so the picture cannot leave one out.
"""

from __future__ import annotations

import itertools
import sys
import textwrap
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"

WIDTH, MARGIN, GAP, STEP_GAP = 940, 16, 12, 16
LAYER_WIDTH, CALL_WIDTH = 560, 316
CALL_X = WIDTH - MARGIN - CALL_WIDTH
LINE, PADDING = 17, 9
MODULES_PER_LINE, CODE_PER_STEP = 76, 40
"""Characters: 7 pixels each in the fixed font."""
STEP_HEIGHT = 2 * LINE + 2 * PADDING


class Title(NamedTuple):
    """What a layer is called.

    Args:
        name: in bold.
        note: what it is for.
    """

    name: str
    note: str


TITLES = {
    "testing": Title("Conformance kit", "checks the back ends of other authors"),
    "__main__": Title("python -m rekall", "the command line"),
    "cli": Title("Entry points", "commands for a person, their output, exit statuses"),
    "mcp": Title("MCP tools", "for assistants, over stdio"),
    "db": Title("Facades", "what programs import; they forward"),
    "capture": Title("Domain", "what is done with knowledge, whatever keeps it"),
    "store": Title("Store", "all SQL, a repository for each concept"),
    "infra": Title("Adapter layer", "interfaces, discovery, selection, retry, debug log"),
    "errors": Title("Floor", "everyone may import it; it imports nothing of the others"),
}
"""By a module of the layer."""


class Step(NamedTuple):
    """One step of the call.

    Args:
        layer: a module of the layer that it is in; empty below all layers.
        text: what happens.
        code: the dotted name of what runs.
    """

    layer: str
    text: str
    code: str


CALL = (
    Step("cli", "reads arguments, prints hits", "rekall.cli.search.search"),
    Step("capture", "other readings, what belongs to hits", "rekall.finding.asking.find"),
    Step("store", "one SELECT, one batch of counts", "rekall.store.search.Search.find"),
    Step("infra", "around every call: retry, debug log", "rekall.infra.retry.retried"),
    Step("infra", "or whichever back end is selected", "rekall.infra.defaults.DefaultDatabaseBackend.fetch_all"),
)
"""`rekall search "cors safari"`, from the top down."""

STYLE = """
    .page { fill: #ffffff } .layer { fill: #eef3fa; stroke: #9db2cc } .step { fill: #fdf3e1; stroke: #c9a25a }
    text { fill: #1c2733; font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
    .name { font-weight: 600 } .note { fill: #4c5b6b }
    .code { font: 11.5px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #2f4156 }
    .arrow { stroke: #8a6a2a; stroke-width: 1.5; fill: none } .head { fill: #8a6a2a }
    @media (prefers-color-scheme: dark) {
      .page { fill: #12181f } .layer { fill: #1d2834; stroke: #47607c } .step { fill: #322a1a; stroke: #8a6f3c }
      text { fill: #e6edf3 } .note { fill: #a9b8c7 } .code { fill: #c2d3e4 }
      .arrow { stroke: #d0aa60 } .head { fill: #d0aa60 }
    }
"""


class Layer(NamedTuple):
    """One row of the picture."""

    title: Title
    modules: Sequence[str]
    lines: Sequence[str]
    y: int
    height: int


def declared_layers(pyproject: Path) -> list[list[str]]:
    """The modules of each layer, highest first, as import-linter reads them.

    Raises:
        ValueError: there is not exactly one contract of layers.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    contracts: list[dict[str, Any]] = tomllib.loads(pyproject.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[module.strip() for module in layer.replace("|", ":").split(":")] for layer in layers]


def title_of(modules: Sequence[str]) -> Title:
    """What a layer is called.

    Raises:
        ValueError: no module of it has a title here, or several have.
    """
    found = [TITLES[module] for module in modules if module in TITLES]
    if len(found) != 1:
        raise ValueError(
            f"the layer of {', '.join(modules)} has {len(found)} titles in {Path(__file__).name}: give it one"
        )
    return found[0]


def shown(modules: Sequence[str]) -> list[str]:
    """The modules of a layer; of the adapter layer, those inside it."""
    if list(modules) != ["infra"]:
        return list(modules)
    inside = [file.stem for file in sorted((ROOT / "rekall" / "infra").glob("[!_]*.py"))]
    return [f"infra: {inside[0]}", *inside[1:]]


def placed(declared: Sequence[Sequence[str]]) -> Iterator[Layer]:
    """The layers from the top down, each as high as what it holds."""
    y = 50
    for modules in declared:
        title = title_of(modules)
        lines = textwrap.wrap(", ".join(shown(modules)), MODULES_PER_LINE)
        steps = sum(step.layer in modules for step in CALL)
        height = max((1 + len(lines)) * LINE + 2 * PADDING - 4, steps * (STEP_HEIGHT + STEP_GAP) - STEP_GAP)
        yield Layer(title, modules, lines, y, height)
        y += height + GAP


def _text(x: int, y: int, text: str, style: str = "", anchor: str = "") -> str:
    kind = f' class="{style}"' if style else ""
    place = f' text-anchor="{anchor}"' if anchor else ""
    return f'  <text x="{x}" y="{y}"{kind}{place}>{escape(text, quote=False)}</text>'


def _box(style: str, x: int, y: int, width: int, height: int) -> str:
    return f'  <rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def _layer(layer: Layer) -> Iterator[str]:
    yield _box("layer", MARGIN, layer.y, LAYER_WIDTH, layer.height)
    x, y = MARGIN + 12, layer.y + PADDING + 11
    yield (
        f'  <text x="{x}" y="{y}"><tspan class="name">{escape(layer.title.name)}</tspan>'
        f'<tspan class="note" dx="8">{escape(layer.title.note)}</tspan></text>'
    )
    for number, line in enumerate(layer.lines, 1):
        yield _text(x, y + number * LINE, line, "code")


def _steps(layers: Sequence[Layer], bottom: int) -> Iterator[str]:
    ends: list[tuple[int, int]] = []
    for layer in layers:
        steps = [step for step in CALL if step.layer in layer.modules]
        needed = len(steps) * (STEP_HEIGHT + STEP_GAP) - STEP_GAP
        for number, step in enumerate(steps):
            y = layer.y + (layer.height - needed) // 2 + number * (STEP_HEIGHT + STEP_GAP)
            ends.append((y, y + STEP_HEIGHT))
            yield _box("step", CALL_X, y, CALL_WIDTH, STEP_HEIGHT)
            short = step.code.removeprefix("rekall.")
            while len(short) > CODE_PER_STEP:
                short = short.partition(".")[2]
            yield _text(CALL_X + 12, y + PADDING + 11, short, "code")
            yield _text(CALL_X + 12, y + PADDING + 11 + LINE, step.text, "note")
    ends.append((bottom, bottom))
    x = CALL_X + CALL_WIDTH // 2
    for (_, start), (end, _) in itertools.pairwise(ends):
        yield f'  <path class="arrow" d="M{x} {start} V{end - 6}"/>'
        yield f'  <path class="head" d="M{x - 5} {end - 7} h10 l-5 7 z"/>'


def picture(pyproject: Path = ROOT / "pyproject.toml") -> str:
    """The whole file."""
    layers = list(placed(declared_layers(pyproject)))
    bottom = layers[-1].y + layers[-1].height + 2 * GAP
    height = bottom + 34 + MARGIN
    names = ", ".join(layer.title.name for layer in layers)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            ' role="img" aria-labelledby="title description">',
            '  <title id="title">The layers of Rekall, and one call through them</title>',
            f'  <desc id="description">From the top down, each importing only those below it: {names}. The call'
            f" 'rekall search' goes through {', '.join(step.code for step in CALL)} to SQLite.</desc>",
            f"  <style>{STYLE}  </style>",
            f'  <rect class="page" width="{WIDTH}" height="{height}"/>',
            _text(MARGIN, 30, "Each layer imports only those below it", "name"),
            _text(CALL_X, 30, "One call: rekall search “cors safari”", "name"),
            *(line for layer in layers for line in _layer(layer)),
            *_steps(layers, bottom),
            _box("step", CALL_X, bottom, CALL_WIDTH, 34),
            _text(CALL_X + CALL_WIDTH // 2, bottom + 22, "sqlite3: knowledge.db", "code", "middle"),
            "</svg>",
            "",
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Write the picture, or with --check tell whether it is what it would be."""
    made = picture()
    if "--check" in arguments:
        is_same = PICTURE.exists() and PICTURE.read_text("utf-8") == made
        print(f"{PICTURE.relative_to(ROOT)} is {'up to date' if is_same else 'not: run tools/architecture-picture'}")
        return 0 if is_same else 1
    PICTURE.write_text(made, encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
