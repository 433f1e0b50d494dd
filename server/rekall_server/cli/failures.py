"""How a command ends: its exit status, and one line on stderr for whatever went wrong."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import typer

from rekall.errors import RekallError
from rekall_server.cli.output import tell

FAILED = 1
INTERRUPTED = 130


def run_guarded(command: Callable[[], Any]) -> NoReturn:
    """Run a command and exit: 0 when it worked, 1 when it failed, 2 for wrong usage, 130 when it was interrupted.

    Args:
        command: returns the exit status, None for success.
    """
    _prepare_streams()
    message = ""
    try:
        status = command() or 0
        sys.stdout.flush()
    except typer.TyperException as error:
        status, message = error.exit_code, _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        status, message = INTERRUPTED, "interrupted"
    except BrokenPipeError:
        # whoever read our output has gone, as `head` does: nobody is left to tell, and Python must not try at exit
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FAILED
    except (RekallError, OSError) as error:
        status, message = FAILED, str(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, a person reads one line
        status, message = FAILED, f"internal error, please report it: {type(error).__name__}: {error} ({_place(error)})"
    if message:
        tell(f"error: {message}")
    sys.exit(status)


def _usage(error: typer.TyperException) -> str:
    """What was wrong with the arguments, and where help is."""
    text = " ".join(error.format_message().split()).rstrip(".")
    possible = getattr(error, "possibilities", None)
    if possible:
        text = f"unknown option {getattr(error, 'option_name', '')} (did you mean {' or '.join(sorted(possible))}?)"
    context = getattr(error, "ctx", None)
    return f"{text}; see '{context.command_path} --help'" if context is not None else text


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "unknown"


def _prepare_streams() -> None:
    """Make sure that stdout and stderr are there and take any text; a terminal may know less than UTF-8."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
