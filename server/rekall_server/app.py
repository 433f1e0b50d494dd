"""The application of one server process: the tools of Rekall over HTTP, with what a team's server needs around them."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import structlog
from fastmcp import FastMCP
from starlette.middleware import Middleware

from rekall.mcp.server import create_server
from rekall_server import probes
from rekall_server.backends.pooled_db import cores
from rekall_server.bodies import BodyGuard
from rekall_server.calls import Bounds, ServerCalls
from rekall_server.limits import RequestGuard
from rekall_server.masking import told
from rekall_server.process import Process, configure_log

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from rekall_server.settings import Settings

MCP_PATH = "/mcp"
_GENERATIONS = (5000, 50, 100)
"""Thresholds of the garbage collector once all is loaded: collections walk through millions of objects of libraries."""
_SWITCH = 0.0005
"""Seconds that a thread waits for Python's lock before it asks for it: the event loop gets it back so soon."""

logger = structlog.get_logger(__name__)


def create_app(settings: Settings) -> ASGIApp:
    """The application of a server process; it opens the base when it is started.

    Args:
        settings: those in effect.

    Raises:
        RekallError: the settings cannot be used.
    """
    process = Process(settings)
    bounds = Bounds(settings.max_query, settings.max_results)
    calls = ServerCalls(
        process.bases,
        process.metrics,
        bounds,
        readers=process.config.database_options.get("pool_size") or cores(),
        on_the_loop=not process.config.smart_embeddings_enabled,
    )
    configure_log(settings, process.config)
    server = create_server(
        lambda: process.bases.open(counting=False),
        calls=calls,
        told=told,
        auth=process.verifier,
        lifespan=lifespan(process),
    )
    return http_app(server, process)


def http_app(server: FastMCP[Any], process: Process) -> ASGIApp:
    """A FastMCP server over HTTP, with the probes beside it and the guards around it.

    Args:
        server: serves the tools.
        process: what the probes look at.
    """
    settings = process.settings
    # none of the tools wants an argument in a header as well, for which every call would look through its schema
    server._mcp_server.get_tool_input_schema = lambda _name: None
    app = server.http_app(
        path=MCP_PATH,
        stateless_http=True,
        json_response=True,
        host_origin_protection=True,
        allowed_hosts=settings.allowed_hosts or None,
        allowed_origins=settings.allowed_origins or None,
        middleware=[Middleware(BodyGuard, max_body=settings.max_body)],
    )
    app.router.routes.extend(probes.routes(process))
    return RequestGuard(app, max_body=settings.max_body, metrics=process.metrics)


def lifespan(process: Process) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """What a FastMCP server does when it starts and when it ends.

    Args:
        process: started and closed.
    """

    @asynccontextmanager
    async def living(_server: Any) -> AsyncIterator[None]:
        _end_with_parent()
        try:
            await anyio.to_thread.run_sync(process.start)
            gc.collect()
            gc.freeze()
            gc.set_threshold(*_GENERATIONS)
            sys.setswitchinterval(_SWITCH)
            logger.info("server.started", pid=os.getpid())
            yield
        finally:
            await anyio.to_thread.run_sync(process.close)
            logger.info("server.stopped", pid=os.getpid())

    return living


def _end_with_parent() -> None:
    """Stop this worker when the process that started it has died: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal tells the parent too, which lets this one end

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="rekall-parent", daemon=True).start()
