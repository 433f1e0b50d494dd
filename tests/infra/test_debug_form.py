"""What the debug log looks like: columns for a person, JSON for a program."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
from support.debugging import Paper
from support.failing import FailingDatabase, FakeTime

from rekall.errors import DatabaseBusyError, DatabaseOutcomeUnknownError
from rekall.infra.debug_log import DebugLog
from rekall.infra.instrument import instrument

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that decide about colours, as on a usual terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def _logged(form: str, *, name: str = "sqlite", errors: tuple[Exception, ...] = (), lasts: float = 0.25) -> Paper:
    """What a few calls leave, each of which lasts 250 ms; the errors fail the first attempts of a read."""
    paper, time = Paper(is_terminal=form == "terminal"), FakeTime()
    log = DebugLog(paper, form, clock=time.clock)
    backend = instrument(FailingDatabase(errors, time, lasts), name, retry=time.retry(), log=log)
    backend.fetch_all("SELECT 1")
    backend.execute("UPDATE t SET a = 1")
    backend.close()
    log.finish()
    return paper


def test_columns_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day, back end, operation, milliseconds and what came of it, one under the other."""
    monkeypatch.setenv("NO_COLOR", "1")
    shown = [re.sub(r"^\d\d:\d\d:\d\d\.\d{3} ", "TIME ", line) for line in _logged("terminal").lines]
    assert shown == [
        "TIME sqlite fetch_all       250.000 ms ok 2 rows",
        "TIME sqlite execute         250.000 ms ok 3 rows",
        "TIME sqlite close           250.000 ms ok",
    ]


def test_a_retried_call_has_a_line_for_each_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the class of the error, and from the second one on the number of the attempt."""
    monkeypatch.setenv("NO_COLOR", "1")
    paper = _logged("terminal", errors=(DatabaseBusyError("x"), DatabaseOutcomeUnknownError("x")))
    assert [line.split(" ms ")[1] for line in paper.lines] == [
        "DatabaseBusyError",
        "DatabaseOutcomeUnknownError try 2",
        "ok 2 rows try 3",
        "ok 3 rows",
        "ok",
    ]


def test_no_line_is_wider_than_a_terminal() -> None:
    """80 columns hold the longest operation with the longest error, and the summary of a million calls."""
    paper = Paper(is_terminal=True)
    log = DebugLog(paper, "terminal")
    longest = {"operation": "execute_batch", "outcome": "error", "error": "DatabaseOutcomeUnknownError"}
    for attempt in (1, 2, 3):
        log.debug("backend.call", backend="sqlite", ms=99999.999, attempt=attempt, **longest)
    log.summary.total.calls = log.summary.backends["sqlite"].calls = 999_999
    log.finish()
    lines = [ESCAPE.sub("", line) for line in (*paper.lines, *paper.last)]
    assert max(map(len, lines)) == 80
    assert lines[2].endswith("execute_batch 99999.999 ms DatabaseOutcomeUnknownError try 3")


def test_names_of_back_ends_are_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wide as the longest so far, in one log of several back ends."""
    monkeypatch.setenv("NO_COLOR", "1")
    paper = Paper(is_terminal=True)
    log = DebugLog(paper, "terminal")
    for name in ("sqlite", "a-longer-name", "local"):
        instrument(FailingDatabase(), name, log=log).fetch_one("SELECT 1")
    assert [line.index("fetch_one") for line in paper.lines] == [20, 27, 27]
    log.finish()
    assert len({line.rindex(" ms  ") for line in paper.last if " ms  " in line}) == 1


def test_a_name_cannot_steer_the_terminal() -> None:
    """Control characters are shown, not sent."""
    for form in ("terminal", "text", "json"):
        shown = "\n".join(_logged(form, name="bad\x1b[2J\n").lines)
        assert "\x1b[2J" not in shown
        assert "x1b[2J" in shown or "u001b[2J" in shown


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
    ids=str,
)
def test_colours_on_a_terminal_that_wants_them(
    variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with NO_COLOR, and not on a terminal without; the words are the same."""
    if os.name == "nt":
        pytest.skip("no colours there")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    lines = _logged("terminal", errors=(DatabaseBusyError("x"),)).lines
    assert any(ESCAPE.search(line) for line in lines) is coloured
    assert "DatabaseBusyError" in ESCAPE.sub("", lines[0])


def test_text_elsewhere_says_the_day_and_the_process() -> None:
    """A file outlives the day and is shared by processes; there are no colours in it."""
    paper = _logged("text")
    for line in paper.lines:
        assert re.match(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}} \[{os.getpid()}\] sqlite ", line)
        assert not ESCAPE.search(line)
    assert paper.last[0] == f"Debug summary of process {os.getpid()}:"


def test_json_is_an_object_a_line() -> None:
    """Every fact under its name; an attempt after the first says how long was waited for it."""
    paper = _logged("json", errors=(DatabaseBusyError("x"),))
    first, second, *_ = (json.loads(line) for line in paper.lines)
    assert list(first)[:3] == ["timestamp", "event", "pid"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", first.pop("timestamp"))
    del second["timestamp"]
    same: dict[str, Any] = {"event": "backend.call", "pid": os.getpid(), "backend": "sqlite", "operation": "fetch_all"}
    assert first == {**same, "ms": 250.0, "attempt": 1, "outcome": "error", "error": "DatabaseBusyError"}
    assert second == {**same, "ms": 250.0, "attempt": 2, "waited_ms": 50.0, "outcome": "ok", "rows": 2}


def test_the_summary_in_columns() -> None:
    """One row for each back end, and what was waited for retries below."""
    paper = _logged("terminal", errors=(DatabaseBusyError("x"),), lasts=1.5)
    assert paper.last == [
        "Debug summary:",
        "Back end   Calls         Total  Retries  Failed  Slowest",
        "sqlite         3   6000.000 ms        1       0  fetch_all 1500.000 ms",
        "Waited 50.000 ms for the retries, which is not in the total",
    ]


def test_the_summary_in_json() -> None:
    """One line, with the sums and each back end."""
    (line,) = _logged("json", errors=(DatabaseBusyError("x"),)).last
    summary = json.loads(line)
    assert list(summary)[:3] == ["timestamp", "event", "pid"]
    counts = {"calls": 3, "ms": 1000.0, "retries": 1, "waited_ms": 50.0, "failed": 0}
    assert {name: summary[name] for name in counts} == counts
    assert summary["backends"] == {"sqlite": {**counts, "slowest": {"operation": "fetch_all", "ms": 250.0}}}


def test_a_log_without_a_call_says_so() -> None:
    """Somebody has switched it on and wants to see that it works."""
    paper = Paper(is_terminal=True)
    DebugLog(paper, "terminal").finish()
    assert paper.last == ["Debug summary: no call of a back end"]
