"""What the debug log looks like: aligned columns for people, one JSON object a line for programs.

The only file that names structlog, whose configuration by the program is neither followed nor changed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, cast

import structlog
from structlog import dev

from rekall.infra.debug_log import Logger
from rekall.infra.debug_summary import Summary, Use
from rekall.infra.debug_target import Target

Fields = MutableMapping[str, Any]


def event_logger(target: Target, form: str) -> Logger:
    """A logger that writes one line an event.

    Args:
        target: takes the lines.
        form: `terminal` (colours, the time of day), `text` (the date and the process too) or `json`.
    """
    processors: list[structlog.typing.Processor] = [structlog.processors.TimeStamper(**_stamp(form))]
    if form != "terminal":
        processors.append(_with_process)
    if form == "json":
        processors += [_in_order, structlog.processors.JSONRenderer()]
    else:
        processors.append(dev.ConsoleRenderer(columns=_columns(with_colours=form == "terminal" and _wants_colours())))
    wrapper = structlog.make_filtering_bound_logger(0)
    made = structlog.wrap_logger(_Lines(target), processors=processors, wrapper_class=wrapper, context_class=dict)
    return cast(Logger, made)


def summary_text(summary: Summary, form: str) -> str:
    """The lines that end the log.

    Args:
        summary: what was counted.
        form: as for `event_logger`.
    """
    if form != "json":
        return "".join(f"{line.rstrip()}\n" for line in _summary_lines(summary, form))
    event = {"event": "backend.summary", **_counts(summary.total)}
    event["backends"] = {
        name: {**_counts(use), "slowest": {"operation": use.slowest, "ms": use.slowest_ms}}
        for name, use in summary.backends.items()
    }
    render = structlog.processors.JSONRenderer()
    return f"{render(None, '', _in_order(None, '', _with_process(None, '', _stamped(event))))!s}\n"


def _summary_lines(summary: Summary, form: str) -> Iterator[str]:
    title = "Debug summary" if form == "terminal" else f"Debug summary of process {os.getpid()}"
    if not summary.backends:
        yield f"{title}: no call of a back end"
        return
    rows = dict(summary.backends)
    if len(rows) > 1:
        rows["all"] = summary.total
    width = max(map(len, (*rows, "Back end")))
    yield f"{title}:"
    yield f"{'Back end':<{width}}  {'Calls':>6}  {'Total':>12}  {'Retries':>7}  {'Failed':>6}  Slowest"
    for name, use in rows.items():
        slowest = f"{use.slowest} {use.slowest_ms:.3f} ms"
        yield f"{name:<{width}}  {use.calls:>6}  {use.ms:>9.3f} ms  {use.retries:>7}  {use.failed:>6}  {slowest}"
    if summary.total.retries:
        yield f"Waited {summary.total.waited_ms:.3f} ms for the retries, which is not in the total"


def _counts(use: Use) -> dict[str, Any]:
    return {
        "calls": use.calls,
        "ms": round(use.ms, 3),
        "retries": use.retries,
        "waited_ms": round(use.waited_ms, 3),
        "failed": use.failed,
    }


class _Lines:
    """What structlog writes to."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def debug(self, line: str) -> None:
        self._target.write(f"{line}\n")


def _stamp(form: str) -> dict[str, Any]:
    if form == "json":
        return {"fmt": "iso"}
    return {"fmt": "%H:%M:%S.%f" if form == "terminal" else "%Y-%m-%d %H:%M:%S.%f", "utc": False}


def _stamped(event: Fields) -> Fields:
    return structlog.processors.TimeStamper(fmt="iso")(None, "", event)


def _with_process(_logger: Any, _method: str, event: Fields) -> Fields:
    """Several processes may write to one file."""
    event["pid"] = os.getpid()
    return event


def _in_order(_logger: Any, _method: str, event: Fields) -> Fields:
    return {**{name: event.pop(name) for name in ("timestamp", "event", "pid")}, **event}


def _wants_colours() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and sys.platform != "win32"


def _columns(*, with_colours: bool) -> list[dev.Column]:
    """An event in 80 columns: `12:00:00.123 sqlite fetch_all 0.412 ms ok 3 rows try 2`."""
    widest = 6  # of the names seen so far

    def name(value: str) -> str:
        nonlocal widest
        shown = value if value.isprintable() else repr(value)
        widest = max(widest, len(shown))
        return shown.ljust(widest)

    def column(text: Callable[[Any], str], style: str = "") -> dev.ColumnFormatter:
        def formatted(key: str, value: object) -> str:
            shown = text(value)
            return f"{style}{shown}{dev.RESET_ALL}" if shown and style and with_colours else shown

        return formatted

    return [
        dev.Column("timestamp", column(lambda value: str(value)[:-3], dev.DIM)),
        dev.Column("pid", column(lambda value: f"[{value}]")),
        dev.Column("backend", column(name, dev.CYAN)),
        dev.Column("operation", column(lambda value: f"{value:<13}")),
        dev.Column("ms", column(lambda value: f"{value:>9.3f} ms")),
        dev.Column("outcome", column(lambda value: "" if value == "error" else str(value), dev.GREEN)),
        dev.Column("rows", column(lambda value: f"{value} row{'' if value == 1 else 's'}")),
        dev.Column("hit", column(lambda value: "hit" if value else "miss")),
        dev.Column("error", column(str, dev.RED)),
        dev.Column("attempt", column(lambda value: "" if value == 1 else f"try {value}", dev.YELLOW)),
        dev.Column("", column(lambda value: "")),  # the event is always the same, and the wait shows in the times
    ]
