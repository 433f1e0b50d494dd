"""Small writes of many callers: those that wait are done in one transaction, and then all are answered.

A thread for each would be woken twice for one write, and each write would wait for a commit of its own: that takes
longer than the writing. They are done on the event loop, for a thread beside it would give up Python's lock at every
statement, and wait to get it back; where they would have to wait for others they are done in a thread. Nobody is
answered before it is committed. What cannot be done so is done in threads: one after the other, each with its own
attempts, would keep everybody behind them waiting.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import anyio
import anyio.to_thread
from fastmcp.exceptions import ToolError
from fastmcp.tools import ToolResult

from rekall.errors import DatabaseBusyError, RekallError
from rekall.infra.interfaces import CallGivenUp
from rekall.mcp.failures import refusal
from rekall.mcp.spec import OpenDatabase
from rekall_server.masking import told

MOST = 128
"""Calls that are done together at most, for which others that write wait."""
TURN = 0.05
"""Seconds for which calls are begun on the event loop; what is left waits for the next turn."""
_BETWEEN = 8
"""Rounds of the event loop between two turns: in so many a request that has come is read, done and answered."""

Call = Callable[[OpenDatabase], ToolResult]
Body = Callable[[OpenDatabase], None]
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
        at_once: the same, or a `CallGivenUp` where it would have to wait; given the seconds that it may take.
    """

    def __init__(self, together: Callable[[Body], bool], at_once: Callable[[Body, float], bool]) -> None:
        self._together = together
        self._at_once = at_once
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
        await asyncio.sleep(0)  # those that come in this round of the loop
        while self._waiting:
            number = min(MOST, len(self._waiting))
            # of a caller who has gone nothing was begun, and nothing is
            taken = [one for one in (self._waiting.popleft() for _ in range(number)) if not one.outcome.done()]
            outcomes: Sequence[Outcome]
            try:
                outcomes = await self._done_soon(taken)
            except Exception as error:  # noqa: BLE001  # whatever it is, nobody waits for ever
                if isinstance(error, DatabaseBusyError):
                    # who has come meanwhile would wait for the same
                    taken += self._waiting
                    self._waiting.clear()
                outcomes = [_refused(error, one) for one in taken]
            self._waiting.extendleft(reversed(taken[len(outcomes) :]))
            for one, outcome in zip(taken, outcomes, strict=False):
                if one.outcome.done():
                    continue
                if isinstance(outcome, Exception):
                    one.outcome.set_exception(outcome)
                else:
                    one.outcome.set_result(outcome)
            for _ in range(_BETWEEN):
                await asyncio.sleep(0)

    async def _done_soon(self, taken: Sequence[_Waiting]) -> Sequence[Outcome]:
        """What comes of the first of the calls, or of all, here or in a thread."""
        try:
            return self._done_at_once(taken)
        except CallGivenUp:
            return await anyio.to_thread.run_sync(self._done, taken, limiter=self._thread)

    def _done_at_once(self, taken: Sequence[_Waiting]) -> Sequence[Outcome]:
        """What comes of those of the calls for which there was time, at least of the first.

        Raises:
            CallGivenUp: nothing was done.
        """
        outcomes: list[Outcome] = []

        def some_of_them(open_database: OpenDatabase) -> None:
            until = time.monotonic() + TURN
            for one in taken:
                outcomes.append(_outcome(one, open_database))
                if time.monotonic() >= until:
                    break

        try:
            are_committed = self._at_once(some_of_them, TURN)
        except Exception as error:
            if not outcomes:
                raise
            return [_refused(error, one) for one in taken[: len(outcomes)]]
        if not outcomes:  # undone before the first of them, or there is none
            raise CallGivenUp
        return outcomes if are_committed else [None] * len(outcomes)

    def _done(self, taken: Sequence[_Waiting]) -> Sequence[Outcome]:
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
