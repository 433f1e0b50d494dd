"""A bar for work that takes longer than a person waits without a word."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

OnProgress = Callable[[int, int], None]
"""Told how much is done, and of how much; the second number is 0 while nobody knows."""

PATIENCE = 1.0
"""Seconds of work before the bar appears."""


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """A callback for the progress of some work, which draws a bar on stderr once the work takes long.

    Nothing is drawn where stderr is no terminal; the bar is gone when the work is done.

    Args:
        what: the work, as a few words.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with ExitStack() as drawn:
        yield _Bar(what, drawn)


class _Bar:
    """Draws what it is told, from `PATIENCE` seconds on.

    Args:
        drawn: takes the bar away when it closes.
    """

    def __init__(self, what: str, drawn: ExitStack) -> None:
        self._what = what
        self._drawn = drawn
        self._visible_from = time.monotonic() + PATIENCE
        self._bar: Any = None
        self._total = -1

    def __call__(self, done: int, total: int) -> None:
        if self._bar is None:
            if time.monotonic() < self._visible_from or 0 < total <= done:
                return
            self._bar = self._drawn.enter_context(_new_bar())
        if total != self._total:  # another part of the work: its time is reckoned anew
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._bar.add_task(self._what, total=total or None)
            self._total = total
        self._bar.update(self._bar.task_ids[0], completed=done)


def _new_bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Count(MofNCompleteColumn):
        def render(self, task: Task) -> Text:
            return Text() if task.total is None else super().render(task)

    text = TextColumn("{task.description}", markup=False)
    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    return Progress(text, BarColumn(), Count(), TimeRemainingColumn(), console=console, transient=True)
