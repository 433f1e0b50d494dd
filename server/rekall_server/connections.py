"""Connections that wait for the client: none does so for ever.

uvicorn ends a connection that is silent between two requests, but not one that is silent from the beginning, or sends
the header or the body of a request byte by byte.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class BoundedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen when uvicorn is imported
    """HTTP as uvicorn speaks it; a request that is not complete in time ends its connection.

    Attributes:
        longest: seconds from the first byte, or from the connection on, until the last byte of the request.
    """

    longest: ClassVar[float] = 30.0

    _deadline: asyncio.TimerHandle | None = None
    _timed: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request, for so long."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came, and see whether there is more to wait for."""
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not cycle.more_body and not cycle.response_complete:
            self._wait_no_more()  # the request is complete, and it is the server that takes its time
        elif self._deadline is None or (cycle is not None and cycle is not self._timed):
            self._wait()
        self._timed = cycle

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._wait_no_more()
        self._deadline = self.loop.call_later(self.longest, self._too_late)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
