"""The event loop of a server process: it takes new connections one at a time."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

NAME = f"{__name__}:OneByOne"
"""By which uvicorn finds it."""


class OneByOne(asyncio.SelectorEventLoop):
    """Takes one new connection at each turn, where asyncio takes all that wait.

    All that come together would be the first worker's, and the others would have nothing to do. And where no more files
    may be opened, asyncio would tell so for each connection that could wait, some thousand times a second.
    """

    def _start_serving(
        self, protocol: Any, listening: socket.socket, ssl: Any, server: Any, _backlog: int, *more: Any
    ) -> None:
        # asyncio's own method; the socket keeps the length of its queue
        super()._start_serving(protocol, listening, ssl, server, 1, *more)  # type: ignore[misc]  # not in its stubs
