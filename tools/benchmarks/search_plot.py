"""Draws quality and time by the number of entries, as an SVG that reads on light and on dark pages."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT, MARGIN = 800, 380, 16
PANEL_TOP, PANEL_HEIGHT = 66, 244
AXIS_WIDTH = 48
"""Pixels for the numbers at the left of a panel."""
LABEL_WIDTH = 112
"""Pixels for the names at the right of a panel."""
LINE = 15
"""Pixels that two names are apart at least."""

STYLE = """
    .page { fill: #ffffff } .grid { stroke: #d5dce4 } .axis { stroke: #8795a4 }
    text { fill: #1c2733; font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
    .name { font-weight: 600; font-size: 13px } .note { fill: #4c5b6b }
    .line { fill: none; stroke-width: 2.2; stroke-linejoin: round }
    .c0 { stroke: #0b62c4 } .c1 { stroke: #c2410c } .c2 { stroke: #5d6a78 }
    .c3 { stroke: #0f7b4f } .c4 { stroke: #8e3fb5 }
    .t0 { fill: #0b62c4 } .t1 { fill: #c2410c } .t2 { fill: #5d6a78 }
    .t3 { fill: #0f7b4f } .t4 { fill: #8e3fb5 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #12181f } .grid { stroke: #2c3947 } .axis { stroke: #6d7d8e }
      text { fill: #e6edf3 } .note { fill: #a9b8c7 }
      .c0 { stroke: #6cb0ff } .c1 { stroke: #ff9d66 } .c2 { stroke: #aab6c3 }
      .c3 { stroke: #5fd3a0 } .c4 { stroke: #d79bf2 }
      .t0 { fill: #6cb0ff } .t1 { fill: #ff9d66 } .t2 { fill: #aab6c3 }
      .t3 { fill: #5fd3a0 } .t4 { fill: #d79bf2 }
    }
"""


class Curve(NamedTuple):
    """One line of a panel.

    Args:
        name: stands at its end.
        colour: 0 to 4; the same system has the same one in every panel.
        points: number of entries and figure, ascending; a single one is a dot.
    """

    name: str
    colour: int
    points: Sequence[tuple[int, float]]


class Panel(NamedTuple):
    """One diagram over the number of entries.

    Args:
        title: what the figure is.
        note: what is better.
        curves: one or more.
        logarithmic: whether the figures are drawn by their logarithms.
        form: how a number of the axis is written.
    """

    title: str
    note: str
    curves: Sequence[Curve]
    logarithmic: bool = False
    form: str = "{:g}"


class _Scale(NamedTuple):
    """From figures to pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def __call__(self, value: float) -> float:
        low, high, value = (
            map(math.log10, (self.low, self.high, value)) if self.logarithmic else (self.low, self.high, value)
        )
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def picture(panels: Sequence[Panel], source: str) -> str:
    """The whole file.

    Args:
        panels: one or more, side by side.
        source: what was measured, on one line below.
    """
    title = "; ".join(panel.title for panel in panels)
    description = ". ".join(_spoken(panel) for panel in panels)
    width = (WIDTH - MARGIN) // len(panels)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
            ' role="img" aria-labelledby="title description">',
            f'  <title id="title">{escape(title)}</title>',
            f'  <desc id="description">{escape(description)}</desc>',
            f"  <style>{STYLE}  </style>",
            f'  <rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
            *(line for number, panel in enumerate(panels) for line in _panel(panel, MARGIN + number * width, width)),
            _text(MARGIN, HEIGHT - 14, source, "note"),
            "</svg>",
            "",
        ]
    )


def _spoken(panel: Panel) -> str:
    curves = (
        f"{curve.name} {', '.join(f'{figure:.3g} at {size:,}' for size, figure in curve.points)}"
        for curve in panel.curves
    )
    return f"{panel.title}: {'; '.join(curves)}"


def _panel(panel: Panel, left: int, width: int) -> Iterator[str]:
    sizes = sorted({size for curve in panel.curves for size, _ in curve.points})
    figures = [figure for curve in panel.curves for _, figure in curve.points]
    marks = _marks(min(figures), max(figures), logarithmic=panel.logarithmic)
    bottom = PANEL_TOP + PANEL_HEIGHT
    start, end = left + AXIS_WIDTH, left + width - LABEL_WIDTH
    across = _Scale(sizes[0], sizes[-1] if len(sizes) > 1 else 2 * sizes[0], start + 10, end - 10, True)
    up = _Scale(marks[0], marks[-1], bottom, PANEL_TOP, panel.logarithmic)
    yield _text(left, 26, panel.title, "name")
    yield _text(left, 44, panel.note, "note")
    for mark in marks:
        y = up(mark)
        yield f'  <path class="grid" d="M{start} {y:.1f} H{end}"/>'
        yield _text(start - 6, y + 4, panel.form.format(mark), "note", "end")
    yield f'  <path class="axis" d="M{start} {bottom} H{end}"/>'
    for size in sizes:
        x = across(size)
        yield f'  <path class="axis" d="M{x:.1f} {bottom} v5"/>'
        yield _text(x, bottom + 19, f"{size:,}", "note", "middle")
    yield _text((start + end) / 2, bottom + 36, "entries", "note", "middle")
    ends = _apart([up(curve.points[-1][1]) for curve in panel.curves], PANEL_TOP, bottom)
    for curve, y in zip(panel.curves, ends, strict=True):
        places = [(across(size), up(figure)) for size, figure in curve.points]
        path = " L".join(f"{x:.1f} {at:.1f}" for x, at in places)
        yield f'  <path class="line c{curve.colour}" d="M{path}"/>'
        for x, at in places:
            yield f'  <circle class="t{curve.colour}" cx="{x:.1f}" cy="{at:.1f}" r="3"/>'
        x = places[-1][0] + 9 if len(places) == 1 and len(sizes) > 1 else end + 6
        yield _text(x, y + 4, curve.name, f"t{curve.colour}")


def _marks(low: float, high: float, *, logarithmic: bool) -> list[float]:
    """Round numbers, the first at most the lowest figure, the last at least the highest."""
    if logarithmic:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        marks = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
        first = max(number for number, mark in enumerate(marks) if mark <= low)
        last = min(number for number, mark in enumerate(marks) if mark >= high)
        return marks[first : max(last, first + 1) + 1]
    step = 0.1
    return [step * number for number in range(math.ceil(high / step) + 1)]


def _apart(wanted: Sequence[float], top: float, bottom: float) -> list[float]:
    """Heights as near as possible to those wanted, but far enough from each other."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    placed = list(wanted)
    for before, after in itertools.pairwise(order):
        placed[after] = max(placed[after], placed[before] + LINE)
    over = max(0.0, placed[order[-1]] - bottom)
    return [max(top, y - over) for y in placed]


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    return f'  <text class="{style}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text, quote=False)}</text>'
