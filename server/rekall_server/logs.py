"""The log of the server: one line an event on stderr, whoever logs it, with nothing in it that must stay here.

What is logged with structlog and what other packages log with the standard library goes the same way. An exception is
told as its class and place, never as a traceback; with debug on, the calls that led to it follow, without any value.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, TextIO

import structlog

from rekall_server import log_lines
from rekall_server.hide import Hiding

LEVELS = ("debug", "info", "warning", "error", "critical")
_OURS = ("rekall", "rekall_server", "uvicorn", "uvicorn.error", "uvicorn.asgi")
_TALKATIVE = ("fastmcp", "mcp", "asyncio", "httpx", "httpx2", "httpcore", "sse_starlette")
"""Packages that tell of every request at `info`, and what is in it at `debug`.

Of them comes only what is wrong; with the level `debug`, what they tell at `info`. What users have stored and searched
is in no line.
"""

_hiding = Hiding()


class LogSettings(Protocol):
    """What the log has to be like."""

    @property
    def log_level(self) -> str:
        """One of `LEVELS`."""

    @property
    def log_format(self) -> str:
        """`json`, `text` or `auto`: text on a terminal, else JSON."""

    @property
    def debug(self) -> bool:
        """Errors are traced."""


class _Lines(structlog.WriteLogger):
    """Writes the lines, for as long as somebody takes them.

    That the log has lost its reader is no reason to fail a request, and there is no place where it could be told.
    """

    def msg(self, message: str) -> None:
        """Write one line."""
        try:
            super().msg(message)
        except (OSError, ValueError):  # broken pipe, full disk, closed file
            return

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def configure(settings: LogSettings, *, paths: Iterable[Path] = (), stream: TextIO | None = None) -> None:
    """Let everything that this process logs come out on stderr as lines of one form.

    Args:
        settings: level and form.
        paths: files of the server, whose directories no line shows.
        stream: takes the lines; stderr if left out.
    """
    global _hiding
    stream = stream if stream is not None else sys.stderr
    level: int = getattr(logging, settings.log_level.upper())
    _hiding = Hiding([*paths, *_of_the_installation()])
    is_text = settings.log_format == "text" or (settings.log_format == "auto" and stream.isatty())
    chain: list[structlog.typing.Processor] = [
        log_lines.with_context,
        log_lines.with_error(traced=settings.debug),
        log_lines.hidden_by(_hiding),
        log_lines.as_text if is_text else log_lines.as_json,
    ]
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, *chain],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: _Lines(stream),
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *chain],
        )
    )
    _take_over(handler, level)
    threading.excepthook = _thread_failed


def hide(text: str) -> str:
    """The same text without tokens, passwords and SQL, and with the last component of each path only."""
    return _hiding(text)


def _take_over(handler: logging.Handler, level: int) -> None:
    """Let the loggers of all packages hand their records to one handler."""
    os.environ["FASTMCP_LOG_ENABLED"] = "false"  # else it puts handlers of its own on when it is imported
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in (*_OURS, *_TALKATIVE):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        least = logging.INFO if level <= logging.DEBUG else max(level, logging.WARNING)
        logger.setLevel(least if name in _TALKATIVE else logging.NOTSET)
    access = logging.getLogger("uvicorn.access")  # the server has a line of its own for each request
    access.handlers.clear()
    access.propagate = False
    access.setLevel(logging.CRITICAL + 1)
    logging.captureWarnings(True)


def _of_the_installation() -> list[Path]:
    """Files that lie where the code and the user's files are."""
    return [Path(sys.executable), Path(__file__).parent, Path(structlog.__file__).parent, Path.home() / "any"]


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None and not issubclass(failure.exc_type, SystemExit):
        name = failure.thread.name if failure.thread is not None else "?"
        structlog.get_logger().error("thread.failed", thread=name, exc_info=failure.exc_value)
