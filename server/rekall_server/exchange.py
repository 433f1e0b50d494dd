"""One HTTP request and its answer, as the log tells of it; known to whatever works on the request."""

from __future__ import annotations

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""What tells one request from all others in the log and in the answer; empty where no request is worked on."""


class Exchange:
    """What is known of a request in the end.

    Args:
        number: its `request_id`.

    Attributes:
        tool: name of the tool that was called, if it called one.
        outcome: how that call ended, one of `rekall_server.metrics.OUTCOMES`.
    """

    __slots__ = ("number", "outcome", "tool")

    def __init__(self, number: str) -> None:
        self.number = number
        self.tool: str | None = None
        self.outcome: str | None = None


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def begin(number: str) -> Exchange:
    """The exchange that the current task, and the tasks that it starts, work on from now on."""
    exchange = Exchange(number)
    request_id.set(number)
    _current.set(exchange)
    return exchange


def tool_called(name: str, outcome: str) -> None:
    """Note for the log which tool the current request called, and how that ended; nothing where there is none.

    Args:
        name: of the tool.
        outcome: one of `rekall_server.metrics.OUTCOMES`.
    """
    exchange = _current.get()
    if exchange is not None:
        exchange.tool, exchange.outcome = name, outcome
