"""Single keys, read without Enter."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

ENTER = "\r\n"
OTHER = ""
"""A key that is no ASCII character: an arrow, an accented letter."""
_ESCAPE, _END = b"\x1b", b"\x04"
_SEQUENCE_SECONDS = 0.05
"""Time within which the rest of an escape sequence follows."""


@contextmanager
def single_keys() -> Iterator[Callable[[], str]]:
    """Read single keys from the terminal, unseen, for as long as the block lasts; what is typed ahead is not lost.

    Yields:
        Waits for a key. It raises EOFError for Ctrl-D and a closed terminal, KeyboardInterrupt for Ctrl-C.
    """
    if os.name == "nt":
        yield typer.getchar
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    # not raw: Ctrl-C interrupts at every moment, and output looks as ever
    tty.setcbreak(terminal, termios.TCSADRAIN)
    try:
        yield lambda: _read_key(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _read_key(terminal: int) -> str:
    try:
        key = os.read(terminal, 1)
    except OSError as error:  # the window was closed
        raise EOFError from error
    if key in (b"", _END):
        raise EOFError
    if key == _ESCAPE:
        import select

        while select.select([terminal], [], [], _SEQUENCE_SECONDS)[0] and os.read(terminal, 32):
            pass
        return OTHER
    return key.decode("ascii") if key.isascii() else OTHER
