"""Small writes of many callers: one thread does those that wait, in one transaction, and then all are answered.

A thread for each would be woken twice for one write, and each write would wait for a commit of its own: that takes
longer than the writing. Nobody is answered before it is committed. What cannot be done so is done in threads: one after
the other, each with its own attempts, would keep everybody behind them waiting.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import anyio
import anyio.to_thread
from fastmcp.exceptions import ToolError
from fastmcp.tools import ToolResult

from rekall.errors import DatabaseBusyError, RekallError
from rekall.mcp.failures import refusal
from rekall.mcp.spec import OpenDatabase
from rekall_server.masking import told

MOST = 64
"""Calls that are done together at most: some 20 ms, for which others that write wait."""

Call = Callable[[OpenDatabase], ToolResult]
Together = Callable[[Callable[[OpenDatabase], None]], bool]
Outcome: TypeAlias = "ToolResult | Exception | None"


class _Waiting(NamedTuple):
    """A call that waits.

    Args:
        call: does it.
        context: of the request that it belongs to.
        outcome: takes what comes of it.
    """

    call: Call
    context: contextvars.Context
    outcome: asyncio.Future[ToolResult | None]


class JointWrites:
    """Does calls that write.

    Args:
        together: runs a function, again where nothing could be begun, so that all that it writes to the base which it
            is given is committed at its end; returns False when nothing of it was applied.
    """

    def __init__(self, together: Together) -> None:
        self._together = together
        self._waiting: deque[_Waiting] = deque()
        self._working: asyncio.Task[None] | None = None
        self._thread = anyio.CapacityLimiter(1)

    async def do(self, call: Call) -> ToolResult | None:
        """The result of a call, once it is committed; None when it was undone with others, and is to be done by itself.

        Args:
            call: takes little time, and changes nothing but the base: what it did may be undone.

        Raises:
            ToolError: what the call raises.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(call, contextvars.copy_context(), loop.create_future())
        self._waiting.append(waiting)
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        return await waiting.outcome

    async def _work(self) -> None:
        while self._waiting:
            number = min(MOST, len(self._waiting))
            # of a caller who has gone nothing was begun, and nothing is
            taken = [one for one in (self._waiting.popleft() for _ in range(number)) if not one.outcome.done()]
            outcomes: Sequence[Outcome]
            try:
                outcomes = await anyio.to_thread.run_sync(self._outcomes, taken, limiter=self._thread)
            except Exception as error:  # noqa: BLE001  # whatever it is, nobody waits for ever
                if isinstance(error, DatabaseBusyError):
                    # who has come meanwhile would wait for the same
                    taken += self._waiting
                    self._waiting.clear()
                outcomes = [_refused(error, one) for one in taken]
            for one, outcome in zip(taken, outcomes, strict=True):
                if one.outcome.done():
                    continue
                if isinstance(outcome, Exception):
                    one.outcome.set_exception(outcome)
                else:
                    one.outcome.set_result(outcome)

    def _outcomes(self, taken: Sequence[_Waiting]) -> Sequence[Outcome]:
        """What comes of calls that are done together."""
        outcomes: list[Outcome] = []

        def all_of_them(open_database: OpenDatabase) -> None:
            outcomes[:] = [_outcome(one, open_database) for one in taken]

        return outcomes if self._together(all_of_them) else [None] * len(taken)


def _outcome(one: _Waiting, open_database: OpenDatabase) -> Outcome:
    try:
        return one.context.run(one.call, open_database)
    except Exception as error:  # noqa: BLE001  # raised where the call was made
        return error


def _refused(error: Exception, one: _Waiting) -> Exception:
    if not isinstance(error, RekallError):
        return error
    refused = refusal(ToolError, one.context.run(told, error))
    refused.__cause__ = error
    return refused
