"""How a command ends: its exit status, and one line on stderr for whatever went wrong."""

from __future__ import annotations

import io
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import typer

from rekall.errors import RekallError

FAILED = 1
INTERRUPTED = 130


def run_guarded(command: Callable[[], Any]) -> NoReturn:
    """Run a command and exit: 0 when it worked, 1 when it failed, 2 for wrong usage, 130 when it was interrupted.

    Args:
        command: returns the exit status, None for success.
    """
    _prepare_streams()
    try:
        try:
            status = _foreseen(command) or 0
            sys.stdout.flush()
        except typer.Abort:  # at a question, whose line is not ended
            sys.stderr.write("\n")
            status, message = FAILED, "cancelled"
        except typer.TyperException as error:
            status, message = error.exit_code, usage_line(error)
        except KeyboardInterrupt:
            status, message = INTERRUPTED, "interrupted"
        except BrokenPipeError:
            raise
        except (RekallError, ValueError, OSError, sqlite3.Error) as error:
            status, message = FAILED, str(error)
        else:
            # typer turns an interruption into a status before it gets here
            message = "interrupted" if status == INTERRUPTED else ""
        if message:
            _last_word(message)
    except BrokenPipeError:
        # whoever read our output has gone, as `head` does: nobody is left to tell, and Python must not try at exit
        _silence(sys.stdout)
        status = FAILED
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # told already; Python would try again at exit, and end with 120
            _silence(stream)
    sys.exit(status)


def _foreseen(command: Callable[[], Any]) -> Any:
    """What a command returns; whatever it should not have raised is one line too, and in debug mode the calls to it."""
    try:
        return command()
    except (RekallError, ValueError, OSError, sqlite3.Error, typer.Abort, typer.Exit, typer.TyperException):
        raise
    except Exception as error:
        from rekall.tracing import place, trace

        debug = _is_debugged()
        if debug:
            sys.stderr.write(trace(error).lstrip() + "\n")
        hint = "" if debug else ", with what 'rekall --debug' shows of it"
        raise RekallError(f"internal error, please report it{hint}: {place(error)}") from error


def _is_debugged() -> bool:
    from rekall.config import get_config

    try:
        return get_config().debug
    except RekallError:
        return False


def usage_line(error: typer.TyperException) -> str:
    """What was wrong with the arguments, the nearest option, and where help is."""
    text = " ".join(error.format_message().split()).rstrip(".")
    possible = getattr(error, "possibilities", None)
    if possible:
        text = f"unknown option {getattr(error, 'option_name', '')} (did you mean {' or '.join(sorted(possible))}?)"
    context = getattr(error, "ctx", None)
    return f"{text}; see '{context.command_path} --help'" if context is not None else text


def _last_word(message: str) -> None:
    from rekall.cli.output import tell

    if sys.stdout is not None:
        with suppress(OSError, ValueError):  # as the message may say; a closed one gives the latter
            sys.stdout.flush()
    tell(message)


def _prepare_streams() -> None:
    """Make sure that stdout and stderr are there and take any text; a terminal may know less than UTF-8."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _silence(stream: Any) -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # no file behind it, so nothing is flushed to one either
        return
