"""The MCP server: `create_server` for any transport, `serve_stdio` for an assistant on this machine."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from rekall import __version__
from rekall.db import Database
from rekall.errors import RekallError
from rekall.hiding import hide_passwords
from rekall.mcp.base import ConfiguredBase

if TYPE_CHECKING:  # FastMCP reads the environment when it is imported, which takes a second: not before it is set
    from fastmcp import FastMCP

    from rekall.mcp.calls import Calls
    from rekall.mcp.failures import Told
    from rekall.mcp.spec import OpenDatabase

logger = logging.getLogger("rekall.mcp")

QUIET = {
    "FASTMCP_ENV_FILE": os.devnull,  # else the .env of whatever project the client was started in
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_SHOW_SERVER_BANNER": "false",
    "FASTMCP_ENABLE_RICH_LOGGING": "false",
    "FASTMCP_LOG_LEVEL": "WARNING",
}
"""What FastMCP is told by the environment, which it reads when it is imported; at home a user's own variables stand."""


def create_server(
    open_database: OpenDatabase,
    *,
    local: bool = False,
    calls: Calls | None = None,
    told: Told = str,
    **options: Any,
) -> FastMCP[None]:
    """A server that offers every tool, resource and prompt.

    Args:
        open_database: gives an open base, called in a worker thread at every call that needs one.
        calls: runs the calls of tools; in worker threads, on what `open_database` gives, if left out.
        told: what a caller is told of an error; its text, which may name files of this machine, if left out.
        options: further ones of FastMCP, such as `auth`, `lifespan` and `middleware`.
        local: callers are on this machine, as the user that it runs for: transcripts and repositories that they name
            are read. Never so for a server that others reach.

    Returns:
        The FastMCP server, not yet running.
    """
    from fastmcp import FastMCP

    from rekall.mcp.prompts import prompts
    from rekall.mcp.resources import resource_templates
    from rekall.mcp.tool import RekallTool
    from rekall.mcp.tools import TOOLS
    from rekall.mcp.tools.guide import INSTRUCTIONS

    server: FastMCP[None] = FastMCP(
        "rekall",
        INSTRUCTIONS,
        version=__version__,
        tools=[RekallTool.of(spec, open_database, local=local, calls=calls, told=told) for spec in TOOLS],
        on_duplicate="error",
        mask_error_details=True,
        **options,
    )
    for template in resource_templates(open_database, told):
        server.add_template(template)
    for prompt in prompts(open_database, told):
        server.add_prompt(prompt)
    return server


def serve_stdio() -> None:
    """Serve the configured base over stdin and stdout until the client closes stdin, or SIGTERM or SIGINT comes.

    The base is opened by the first call that needs it, so that the handshake waits for nothing and a base that cannot
    be opened gives errors that an assistant can report, not a server that does not start.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    base = ConfiguredBase()
    _leave_on_signals(base)

    def open_base() -> Database:
        # The transport has a stdout of its own by now. What the back end of another author prints is for the log: kept
        # in Python's buffer, it would come out at the end, as an answer.
        sys.stdout = sys.stderr
        return base.open()

    try:
        create_server(open_base, local=True).run("stdio", show_banner=False)
    except Exception as error:
        if not _client_is_gone(error):
            raise
        # A normal exit would complain on stderr about the answer that could not be written.
        _leave(base)
    finally:
        base.close()


def _leave_on_signals(base: ConfiguredBase) -> None:
    """End the process on SIGTERM and SIGINT.

    The thread that waits for stdin cannot be interrupted, and a normal exit would wait for it. A handler would run in
    the main thread, which may begin to wait for events just after the signal and never see it: so a thread waits for
    the signals, which are blocked in all others.
    """
    signals = (signal.SIGTERM, signal.SIGINT)
    if sys.platform == "win32":
        for number in signals:
            signal.signal(number, lambda _number, _frame: _leave(base))
        return

    def wait() -> None:
        signal.sigwait(signals)
        _leave(base)

    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    threading.Thread(target=wait, name="rekall-signals", daemon=True).start()


def _leave(base: ConfiguredBase) -> NoReturn:
    """End the process at once, with the base closed and the debug log complete."""
    from rekall.infra.debug_log import finish_debug_logs

    try:
        base.close()
    except RekallError as error:
        logger.error("%s", hide_passwords(str(error)))
    finish_debug_logs()
    os._exit(0)


def _client_is_gone(error: BaseException) -> bool:
    """Whether nobody reads stdout any more; AnyIO groups the errors of its tasks."""
    parts = getattr(error, "exceptions", ())
    return all(map(_client_is_gone, parts)) if parts else isinstance(error, BrokenPipeError)
