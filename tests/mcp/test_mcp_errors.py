"""Errors: real ones, one line, nothing leaked, and the next call works."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.mcp_client import Assistant, in_process

from rekall.config import get_config, reset_config
from rekall.db import Database


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


def failing_first() -> tuple[Callable[[], Database], Database]:
    """A way to a base that fails once, as no part of Rekall should."""
    database = Database(get_config().db_path)
    database.init()
    failures = [KeyError("password=hunter2")]

    def open_database() -> Database:
        if failures:
            raise failures.pop()
        return database

    return open_database, database


@pytest.mark.parametrize("debug", [False, True])
def test_an_unexpected_exception_is_masked(
    debug: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client learns that it happened, the log what; the traceback only with debug."""
    monkeypatch.setenv("REKALL_DEBUG", "1" if debug else "0")
    reset_config()
    open_database, database = failing_first()
    with database, in_process(open_database) as assistant:
        with caplog.at_level(logging.INFO):
            refused = assistant.refusal("rekall_info")
        assert "rekall_info" in refused
        assert "hunter2" not in refused
        assert "KeyError" not in refused
        (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert "KeyError" in record.getMessage()
        assert ("most recent call last" in record.getMessage()) is debug
        assert "hunter2" not in record.getMessage()
        assert not record.exc_info  # its last line would be the text of the error
        assert assistant.call("rekall_info").data["entries"] == 0


def test_a_refusal_is_not_logged(assistant: Assistant, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong argument is an answer to the assistant, not an event for the operator."""
    with caplog.at_level(logging.INFO):
        assistant.refusal("rekall_show", id="01NOBODY")
        assistant.refusal("rekall_search")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_values_are_never_echoed_by_validation(assistant: Assistant) -> None:
    """The parameter and the rule are enough."""
    for name, arguments in (
        ("rekall_search", {"query": {"token": "hunter2"}}),
        ("rekall_search", {"query": "x", "limit": "hunter2"}),
        ("rekall_help", {"topic": "hunter2"}),
        ("rekall_get_context", {"entry_ids": "hunter2"}),
        ("rekall_add", {"type": "hunter2", "title": "x"}),
    ):
        refused = assistant.refusal(name, **arguments)
        assert refused.startswith("invalid arguments: ")
        assert "hunter2" not in refused


def test_many_wrong_values_are_one_short_line(assistant: Assistant) -> None:
    """The first few are enough to see what is wrong; the assistant pays for every character."""
    refused = assistant.refusal("rekall_add", type="bug", title="x", conversation_excerpt_indices=["a"] * 5000)
    assert refused.endswith("; and 4995 more")
    assert len(refused) < 1000


def test_unknown_arguments_are_ignored(assistant: Assistant) -> None:
    """As in 0.3: a client with a newer idea of a tool is served."""
    entry_id = assistant.add("Title", bogus=1, also={"deep": []})
    assert assistant.call("rekall_show", id=entry_id, verbose=True).data["entry"]["id"] == entry_id
    assert assistant.call("rekall_info", nonsense="x").data["entries"] == 1


@pytest.mark.fault(49)
def test_an_unknown_tool_is_an_error(assistant: Assistant) -> None:
    """0.3 answered it as if all were well."""
    assert "rekall_nosuch" in assistant.refusal("rekall_nosuch")
    assert assistant.call("rekall_info").data["entries"] == 0


@pytest.mark.fault(45)
def test_after_every_kind_of_error_the_next_write_works(assistant: Assistant) -> None:
    """In 0.3 an exception left a transaction open: the calls after it found the base locked, 5 seconds each."""
    one = assistant.add("One")
    for name, arguments in (
        ("rekall_link", {"source_id": one, "target_id": one, "reason": "x"}),
        ("rekall_add", {"type": "bug", "title": "", "context": "x"}),
        ("rekall_delete", {"id": one, "confirm": False}),
        ("rekall_deprecate", {"id": one, "replaced_by": "01NOBODY"}),
        ("rekall_nosuch", {}),
    ):
        assistant.refusal(name, **arguments)
        assistant.add("Next")
    assert assistant.call("rekall_info").data["entries"] == 6


def test_two_threads_at_once(assistant: Assistant) -> None:
    """Tools run in worker threads on one base: nothing is lost, nothing fails."""

    def work(number: int) -> int:
        entry_id = assistant.add(f"parallel {number}", tags=[f"t{number}"])
        assistant.call("rekall_show", id=entry_id)
        found = assistant.call("rekall_search", query="parallel", limit=-1).data["total_count"]
        assert isinstance(found, int)
        return found

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(work, range(20)))
    assert max(counts) == 20
    assert assistant.call("rekall_info").data["entries"] == 20
