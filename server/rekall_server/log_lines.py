"""What a line of the log looks like, and what goes into it: the processors of structlog that make it."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

from rekall_server.exchange import request_id
from rekall_server.hide import Hiding, without_secrets

Fields = MutableMapping[str, Any]

HTTP_LOGGER = "rekall_server.http"
"""Who tells of requests."""

_FIRST = ("timestamp", "level", "event", "logger", "pid", "request_id")
_SAFE = frozenset(("timestamp", "level", "logger", "pid", "request_id", "method", "status", "ms", "tool", "outcome"))
"""Fields in which this program puts nothing that others wrote."""
_TRACEBACK = "Traceback (most recent call last):"
_FRAME_OF_A_GROUP = " |+-"
_PLAIN = (int, float, bool, type(None))
_DEEPEST = 10
"""Errors of a chain that are traced."""


def with_context(_logger: Any, _method: str, event: Fields) -> Fields:
    """Add when, in which process and for which request it was."""
    event["timestamp"] = stamp(time.time())
    event["pid"] = os.getpid()
    number = request_id.get()
    if number:
        event["request_id"] = number
    return event


_second: tuple[int, str, str] = (-1, "", "")


def stamp(seconds: float) -> str:
    """A point in time as ISO 8601 with milliseconds and the offset of this machine.

    Args:
        seconds: since 1970.
    """
    global _second
    whole = int(seconds)
    last, text, offset = _second
    if last != whole:  # the calendar is asked once a second
        local = time.localtime(whole)
        text, offset = time.strftime("%Y-%m-%dT%H:%M:%S", local), time.strftime("%z", local)
        offset = f"{offset[:3]}:{offset[3:]}"
        _second = whole, text, offset
    return f"{text}.{int((seconds - whole) * 1000):03d}{offset}"


def with_error(*, traced: bool) -> Callable[[Any, str, Fields], Fields]:
    """Puts the class of an exception and where it was raised in the place of the exception.

    Args:
        traced: the calls that led to it, too.
    """

    def told(_logger: Any, _method: str, event: Fields) -> Fields:
        error = _exception(event.pop("exc_info", None))
        event.pop("stack_info", None)
        if error is not None:
            error = _innermost(error)
            event["error"], event["place"] = type(error).__name__, _place(error)
            if traced:
                event["trace"] = _trace(error)
        elif _TRACEBACK in str(event["event"]):  # as text, in which Starlette tells uvicorn why it has not started
            event["event"] = _last_line(event["event"])
        return event

    return told


def hidden_by(hiding: Hiding) -> Callable[[Any, str, Fields], Fields]:
    """Hides what must stay here in every text of an event.

    Args:
        hiding: hides it in one text.
    """

    def hidden(_logger: Any, _method: str, event: Fields) -> Fields:
        for name, value in event.items():
            if name in _SAFE or isinstance(value, _PLAIN):
                continue
            if name == "path" and event.get("logger") == HTTP_LOGGER:  # of a URL, not of a file
                event[name] = without_secrets(str(value))
            else:
                event[name] = hiding(value if isinstance(value, str) else str(value))
        return event

    return hidden


_encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def as_json(_logger: Any, _method: str, event: Fields) -> str:
    """One JSON object."""
    return _encode(_in_order(event))


def as_text(_logger: Any, _method: str, event: Fields) -> str:
    """The time, the level, the event, and the rest as `name=value`."""
    rest = " ".join(f"{name}={_shown(value)}" for name, value in event.items() if name not in _FIRST[:3])
    return f"{event['timestamp']} {event['level']:<8} {_on_one_line(str(event['event']))} {rest}".rstrip()


def _in_order(event: Fields) -> dict[str, Any]:
    first = {name: event[name] for name in _FIRST if name in event}
    return {**first, **event}


def _shown(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() and text and not any(sign in text for sign in " ='\"") else json.dumps(text)


def _on_one_line(text: str) -> str:
    return text if text.isprintable() else json.dumps(text, ensure_ascii=False)


def _exception(given: Any) -> BaseException | None:
    """The exception of a record: given itself, as the three values of `sys.exc_info`, or as the one handled now."""
    import sys

    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def _last_line(trace: str) -> str:
    """What a traceback ends with: the class of the error and its text."""
    lines = (line.strip(_FRAME_OF_A_GROUP) for line in reversed(trace.splitlines()))
    return next(line for line in lines if line)


def _innermost(error: BaseException) -> BaseException:
    """Of a group, as task groups raise them, the first exception."""
    inner = getattr(error, "exceptions", None)
    while inner:
        error = inner[0]
        inner = getattr(error, "exceptions", None)
    return error


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{frames[-1].name} ({frames[-1].filename}:{frames[-1].lineno})" if frames else "?"


def _trace(raised: BaseException) -> str:
    """The calls that led to an error, and to those behind it, without texts of errors, values or lines of code."""
    told = []
    error: BaseException | None = raised
    for _ in range(_DEEPEST):
        if error is None:
            break
        calls = [
            f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in traceback.extract_tb(error.__traceback__)
        ]
        told.append(f"{type(error).__name__}: {' > '.join(calls)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "; ".join(told)
