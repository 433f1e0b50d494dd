"""Connections that wait for the client: none does so for ever.

uvicorn ends a connection that is silent between two requests, but not one that is silent from the beginning, sends the
header or the body of a request byte by byte, or does not read the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class BoundedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen when uvicorn is imported
    """HTTP as uvicorn speaks it; a request that does not arrive in time ends its connection, as does an answer.

    Args:
        arguments: as uvicorn gives them.
        read_timeout: seconds from the connection, or from the first byte, until the last byte of a request; and as many
            for the client to take an answer that is more than the buffers of the system hold.
        options: as uvicorn gives them.
    """

    def __init__(self, *arguments: Any, read_timeout: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._read_timeout = read_timeout
        self._deadline: asyncio.TimerHandle | None = None
        self._timed: Any = None
        self._stalled: asyncio.TimerHandle | None = None

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

    def pause_writing(self) -> None:
        """The client does not take at once what is sent: wait for so long until it has."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self._read_timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken it."""
        self._go_on()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing."""
        self._wait_no_more()
        self._go_on()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._wait_no_more()
        self._deadline = self.loop.call_later(self._read_timeout, self._too_late)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _go_on(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _too_late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()


def bounded(read_timeout: float) -> Callable[..., BoundedProtocol]:
    """What uvicorn takes as `http`; can be pickled, as its configuration is for workers.

    Args:
        read_timeout: seconds within which a request must have arrived.
    """
    return partial(BoundedProtocol, read_timeout=read_timeout)
