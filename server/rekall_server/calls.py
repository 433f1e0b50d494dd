"""How the server runs the calls of tools: who may call what, how much, and where the work is done.

A selective read takes less time than handing it to a thread would: it is tried on the event loop within a bound, and
done again in a thread where it does not fit. Broad reads have a few threads of their own, so that they hold up nothing
else. Small writes are done together, others wait in threads for the back end, which groups them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import anyio
import anyio.to_thread
from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_access_token
from fastmcp.tools import ToolResult
from pydantic import TypeAdapter, ValidationError

from rekall.errors import QueryError
from rekall.infra.interfaces import CallGivenUp
from rekall.mcp.calls import Work
from rekall.mcp.failures import refusal
from rekall.mcp.spec import ToolSpec
from rekall_server.bases import Bases
from rekall_server.exchange import tool_called
from rekall_server.joint_writes import JointWrites
from rekall_server.masking import outcome_of
from rekall_server.metrics import Metrics

ON_THE_LOOP = frozenset({"rekall_help", "rekall_search", "rekall_show", "rekall_get_context", "rekall_related"})
"""Tools whose work is small when their queries are."""
MOST_ON_THE_LOOP = 0.003
"""Seconds of the processor that one query may take on the event loop."""
LONGEST_ON_THE_LOOP = 0.05
"""Seconds that a call may take by the clock: where many threads and processes run, a short query takes long."""
TOGETHER = frozenset({"rekall_add", "rekall_link"})
"""Tools that write little, and to the base alone: those of many callers are committed together."""
SMALL = 20_000
"""Characters of a small write."""
THREADS_FOR_WRITES = 40
_WHOLE = TypeAdapter(int)
READ_ONLY = "this token may only read: ask the operator for one that may write ('rekall-server token new NAME')"


class Bounds(NamedTuple):
    """What one call may ask for.

    Args:
        text: characters of one text that a reading tool is given.
        results: results at most, and items of one list.
    """

    text: int
    results: int


class ServerCalls:
    """Runs the calls of tools (`rekall.mcp.calls.Calls`).

    Args:
        bases: opens the base.
        metrics: counts the calls.
        bounds: what a call may ask for.
        readers: threads for reads that do not fit the event loop: as many as the back end has connections.
        on_the_loop: whether reads are tried on the event loop, and small writes done together: not when searching and
            adding compute vectors.
    """

    def __init__(self, bases: Bases, metrics: Metrics, bounds: Bounds, *, readers: int, on_the_loop: bool) -> None:
        self._bases = bases
        self._metrics = metrics
        self._bounds = bounds
        self._on_the_loop = ON_THE_LOOP if on_the_loop else frozenset[str]()
        self._together = TOGETHER if on_the_loop else frozenset[str]()
        self._joint = JointWrites(bases.together, bases.together_at_once)
        self._reading = anyio.CapacityLimiter(readers)
        self._writing = anyio.CapacityLimiter(THREADS_FOR_WRITES)

    async def __call__(self, spec: ToolSpec[Any], arguments: dict[str, Any], work: Work) -> ToolResult:
        started = time.perf_counter()
        outcome = "error"
        try:
            arguments = self._admitted(spec, arguments)
            result = await self._done(spec, arguments, work)
            outcome = "refused" if result.is_error else "ok"
            return result
        except ToolError as error:
            outcome = outcome_of(error.__cause__)
            raise
        finally:
            self._metrics.tool(spec.name, outcome, time.perf_counter() - started)
            tool_called(spec.name, outcome)

    async def _done(self, spec: ToolSpec[Any], arguments: dict[str, Any], work: Work) -> ToolResult:
        counting = may_write()
        if not spec.read_only:
            if not counting:
                raise refusal(ToolError, READ_ONLY)
            if spec.name in self._together and _characters(arguments) <= SMALL:
                result = await self._joint.do(lambda opened: work(opened, arguments))
                if result is not None:
                    return result
            return await anyio.to_thread.run_sync(work, self._bases.open, arguments, limiter=self._writing)
        try:
            return await self._read(spec, arguments, work, counting)
        except ToolError as error:
            if not isinstance(error.__cause__, QueryError):
                raise
            self._bases.look_again()
            return await self._read(spec, arguments, work, counting)

    async def _read(self, spec: ToolSpec[Any], arguments: dict[str, Any], work: Work, counting: bool) -> ToolResult:
        if spec.name in self._on_the_loop:
            with self._bases.bounded(LONGEST_ON_THE_LOOP, MOST_ON_THE_LOOP, counting=counting) as opened:
                if opened is not None:
                    try:
                        return work(opened, arguments)
                    except CallGivenUp:
                        pass
        opening = partial(self._bases.open, counting=counting)
        return await anyio.to_thread.run_sync(work, opening, arguments, limiter=self._reading)

    def _admitted(self, spec: ToolSpec[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, no more results asked for than are given.

        Raises:
            ToolError: more is asked than one call may.
        """
        admitted = dict(arguments)
        most = self._bounds.results
        if "limit" in spec.arguments.model_fields and not 0 <= _limit(spec, arguments) <= most:
            admitted["limit"] = most
        for name, value in admitted.items():
            if isinstance(value, list) and len(value) > most:
                raise refusal(ToolError, f"{name} has {len(value)} items: give {most} at most")
            if spec.read_only and isinstance(value, str) and len(value) > self._bounds.text:
                raise refusal(ToolError, f"{name} has {len(value)} characters: give {self._bounds.text} at most")
        return admitted


def _limit(spec: ToolSpec[Any], arguments: Mapping[str, Any]) -> int:
    """How many results a call asks for, read as its tool reads it: "7" and 7.0 are 7; 0 for what that refuses."""
    try:
        return _WHOLE.validate_python(arguments.get("limit", spec.arguments.model_fields["limit"].default))
    except ValidationError:
        return 0


def _characters(given: object) -> int:
    """Of all texts in what a client gave."""
    if isinstance(given, str):
        return len(given)
    if isinstance(given, Mapping):
        return sum(len(name) + _characters(value) for name, value in given.items())
    return sum(map(_characters, given)) if isinstance(given, list) else 1


def may_write() -> bool:
    """Whether the caller may write: without a token everybody may, for tokens are not asked for then."""
    token = get_access_token()
    return token is None or "write" in token.scopes
