"""What is tried again, how often, after which delay, and which error is left at the end: the table, cell by cell."""

from __future__ import annotations

import time as real_time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.failing import FailingCache, FailingDatabase, FakeTime, RecordingLog, Restartable

from rekall import errors
from rekall.infra import CacheBackend, DatabaseBackend, Result, Statement
from rekall.infra.instrument import CACHE_METHODS, DATABASE_METHODS, instrument

Call = Callable[[Any], Any]

STATEMENTS = [Statement("INSERT 1"), Statement("INSERT 2"), Statement("INSERT 3")]

NOT_APPLIED: list[Callable[[], BaseException]] = [
    lambda: errors.TransientError("x"),
    lambda: errors.DatabaseBusyError("x"),
    lambda: errors.CacheUnavailableError("x"),
]
PERHAPS_APPLIED: list[Callable[[], BaseException]] = [
    lambda: errors.OutcomeUnknownError("x"),
    lambda: errors.DatabaseOutcomeUnknownError("x"),
    lambda: errors.CacheOutcomeUnknownError("x"),
]
PERMANENT: list[Callable[[], BaseException]] = [
    lambda: errors.ConfigError("x"),
    lambda: errors.EntryNotFoundError("x"),
    lambda: errors.InvalidValueError("x"),
    lambda: errors.BackendError("x"),
    lambda: errors.CacheError("x"),
    lambda: errors.DatabaseError("x"),
    lambda: errors.QueryError("x"),
    lambda: errors.IntegrityError("x"),
    lambda: errors.GuardFailed(1, 0, 1),
    lambda: errors.CannotOpenError("x"),
    lambda: errors.ReadOnlyError("x"),
    lambda: errors.DiskFullError("x"),
    lambda: errors.CorruptError("x"),
    lambda: errors.ClosedError("x"),
    lambda: errors.NotSupportedError("x"),
    lambda: errors.MigrationError("x"),
    lambda: RuntimeError("a mistake of the back end's author"),
    lambda: KeyboardInterrupt(),
]

READS: dict[str, tuple[str, Call]] = {
    "connect": ("connect", lambda b: b.connect()),
    "fetch_one": ("fetch_one", lambda b: b.fetch_one("SELECT ?", ("secret",))),
    "fetch_all": ("fetch_all", lambda b: b.fetch_all("SELECT 1")),
    "get": ("get", lambda b: b.get("k", "secret")),
    "exists": ("exists", lambda b: b.exists("k")),
}
WRITES: dict[str, tuple[str, Call]] = {
    "execute": ("execute", lambda b: b.execute("UPDATE", ("secret",))),
    "execute, not idempotent": ("execute", lambda b: b.execute("UPDATE", idempotent=False)),
    "execute_batch": ("execute_batch", lambda b: b.execute_batch(STATEMENTS)),
    "execute_batch, not idempotent": ("execute_batch", lambda b: b.execute_batch(STATEMENTS, idempotent=False)),
}
IDEMPOTENT_WRITES: dict[str, tuple[str, Call]] = {
    "execute, idempotent": ("execute", lambda b: b.execute("UPDATE", idempotent=True)),
    "execute_batch, idempotent": ("execute_batch", lambda b: b.execute_batch(STATEMENTS, idempotent=True)),
    "set": ("set", lambda b: b.set("k", "secret", 5)),
    "delete": ("delete", lambda b: b.delete("k")),
    "clear": ("clear", lambda b: b.clear()),
}
NEVER: dict[str, tuple[str, Call]] = {
    "close": ("close", lambda b: b.close()),
    "is_connected": ("is_connected", lambda b: b.is_connected()),
    "backup": ("backup", lambda b: b.backup("x")),
}
ROWS = {"fetch_one": 1, "fetch_all": 2, "execute": 3, "execute_batch": 5}


def _cells() -> list[Any]:
    retried = {
        "read": [*NOT_APPLIED, *PERHAPS_APPLIED],
        "write": NOT_APPLIED,
        "idempotent write": [*NOT_APPLIED, *PERHAPS_APPLIED],
        "never": [],
    }
    rows = {"read": READS, "write": WRITES, "idempotent write": IDEMPOTENT_WRITES, "never": NEVER}
    return [
        pytest.param(operation, call, error, error in retried[kind], id=f"{title}-{type(error()).__name__}")
        for kind, operations in rows.items()
        for title, (operation, call) in operations.items()
        for error in [*NOT_APPLIED, *PERHAPS_APPLIED, *PERMANENT]
    ]


def _backend(operation: str, raised: Sequence[BaseException], time: FakeTime) -> Any:
    kind = FailingCache if operation in CACHE_METHODS else FailingDatabase
    return kind(raised, time, lasts=0.25)


@pytest.mark.parametrize(("operation", "call", "error", "again"), _cells())
def test_every_cell_of_the_table(operation: str, call: Call, error: Callable[[], BaseException], again: bool) -> None:
    """One, two and three failures: attempts, delays, events and the very object raised at the end, debug off and on."""
    for failures, log in [(n, log) for n in (1, 2, 3) for log in (None, RecordingLog())]:
        if log is not None:
            log.events.clear()
        time = FakeTime(draws=(0.5, 1.0))
        raised = [error() for _ in range(failures)]
        backend = _backend(operation, raised, time)
        expected = _backend(operation, [], time)
        proxy = instrument(backend, "fake", retry=time.retry(), log=log)
        attempts = min(failures + 1, 3) if again else 1
        fails = failures == 3 or not again

        if fails:
            with pytest.raises(type(raised[0])) as caught:
                call(proxy)
            assert caught.value is raised[attempts - 1]
        else:
            assert call(proxy) == call(expected)

        assert backend.script.calls == [operation] * attempts
        assert time.slept == pytest.approx([0.1 * 0.5, 0.2 * 1.0][: attempts - 1])
        assert time.ranges == [(0.5, 1.0)] * (attempts - 1)
        if log is not None:
            assert log.events == [
                _event(operation, number, type(raised[0]).__name__ if number < attempts or fails else None)
                for number in range(1, attempts + 1)
            ]


def _event(operation: str, attempt: int, error: str | None) -> dict[str, Any]:
    event: dict[str, Any] = {"event": "backend.call", "backend": "fake", "operation": operation, "ms": 250.0}
    if error is not None:
        return event | {"attempt": attempt, "outcome": "error", "error": error}
    rows = {"rows": ROWS[operation]} if operation in ROWS else {}
    hit = {"hit": True} if operation in ("get", "exists") else {}
    return event | {"attempt": attempt, "outcome": "ok"} | rows | hit


def test_errors_may_change_from_attempt_to_attempt() -> None:
    """A permanent error at the second attempt ends it there, and that one is raised."""
    time = FakeTime()
    last = errors.QueryError("no such table")
    backend = FailingDatabase([errors.DatabaseBusyError("busy"), last], time)
    with pytest.raises(errors.QueryError) as caught:
        instrument(backend, "fake", retry=time.retry()).fetch_all("SELECT 1")
    assert caught.value is last
    assert backend.script.calls == ["fetch_all"] * 2


def test_a_write_that_was_perhaps_applied_at_the_second_attempt_is_not_tried_a_third_time() -> None:
    """Busy, then a lost answer: the second error decides."""
    time = FakeTime()
    unknown = errors.DatabaseOutcomeUnknownError("no answer")
    backend = FailingDatabase([errors.DatabaseBusyError("busy"), unknown], time)
    with pytest.raises(errors.DatabaseOutcomeUnknownError) as caught:
        instrument(backend, "fake", retry=time.retry()).execute("UPDATE")
    assert caught.value is unknown
    assert backend.script.calls == ["execute"] * 2


@pytest.mark.parametrize(
    ("lasts", "attempts"),
    [(0.0, 3), (4.0, 3), (4.8, 3), (4.9, 2), (5.0, 2), (9.85, 2), (9.95, 1), (30.0, 1)],
)
def test_ten_seconds_over_all_include_the_waiting_inside_the_driver(lasts: float, attempts: int) -> None:
    """No attempt begins at 10 s or later; what the driver waited, or a call took, counts."""
    time = FakeTime(draws=(1.0,))
    raised = [errors.DatabaseBusyError("busy") for _ in range(3)]
    backend = FailingDatabase(raised, time, lasts)
    with pytest.raises(errors.DatabaseBusyError) as caught:
        instrument(backend, "fake", retry=time.retry()).fetch_one("SELECT 1")
    assert len(backend.script.calls) == attempts
    assert caught.value is raised[attempts - 1]


def test_a_real_delay_is_drawn_and_slept() -> None:
    """Without injection the delays are real: two of them, between 0.15 s and 0.3 s together."""
    backend = FailingDatabase([errors.DatabaseBusyError("1"), errors.DatabaseBusyError("2")])
    started = real_time.monotonic()
    assert instrument(backend, "fake").fetch_one("SELECT 1") == {"secret": "value"}
    assert 0.15 <= real_time.monotonic() - started < 2


def test_a_retried_batch_starts_again_from_its_first_statement() -> None:
    """A re-iterable is read once for each attempt and never copied."""
    time = FakeTime()
    backend = FailingDatabase([errors.DatabaseBusyError("1"), errors.DatabaseBusyError("2")], time)
    statements = Restartable(STATEMENTS)
    assert instrument(backend, "fake", retry=time.retry()).execute_batch(statements) == 5
    assert statements.started == 3
    assert backend.batches == [["INSERT 1", "INSERT 2"]] * 2 + [["INSERT 1", "INSERT 2", "INSERT 3"]]


@pytest.mark.parametrize("by_name", [False, True])
def test_a_batch_that_can_be_read_only_once_is_never_applied_by_half(by_name: bool) -> None:
    """An iterator half consumed by a failed attempt would leave the rest to the next: it is made a list first."""
    time = FakeTime()
    backend = FailingDatabase([errors.DatabaseBusyError("1")], time)
    proxy = instrument(backend, "fake", retry=time.retry())
    statements = (statement for statement in STATEMENTS)
    assert (proxy.execute_batch(statements=statements) if by_name else proxy.execute_batch(statements)) == 5
    assert backend.batches == [["INSERT 1", "INSERT 2"], ["INSERT 1", "INSERT 2", "INSERT 3"]]


def test_whether_a_write_is_idempotent_stays_with_the_retry_layer() -> None:
    """A back end never receives `idempotent`: one written without it works."""
    backend = FailingDatabase()
    proxy = instrument(backend, "fake")
    proxy.execute("UPDATE", idempotent=True)
    proxy.execute_batch(STATEMENTS, idempotent=True)
    proxy.execute("UPDATE")
    assert backend.received == [{}, {}, {}]


def test_calls_of_a_back_end_to_itself_are_not_wrapped_again() -> None:
    """No retry inside a retry: three attempts are three, not nine."""

    class Inner(FailingDatabase):
        def fetch_one(self, query: str, params: Any = None) -> Any:
            return self.fetch_all(query, params)[0]

    time = FakeTime()
    backend = Inner([errors.DatabaseBusyError("busy") for _ in range(9)], time)
    with pytest.raises(errors.DatabaseBusyError):
        instrument(backend, "fake", retry=time.retry()).fetch_one("SELECT 1")
    assert backend.script.calls == ["fetch_all"] * 3


def test_a_wrapped_back_end_is_an_instance_of_its_interface() -> None:
    """And nothing of the other; what it has beyond the interface is reached through `wrapped`."""
    backend, cache = FailingDatabase(), FailingCache()
    assert isinstance(instrument(backend, "fake"), DatabaseBackend)
    assert not isinstance(instrument(backend, "fake"), CacheBackend)
    assert isinstance(instrument(cache, "fake"), CacheBackend)
    assert getattr(instrument(backend, "fake"), "wrapped", None) is backend


@pytest.mark.parametrize(("interface", "wrapped"), [(DatabaseBackend, DATABASE_METHODS), (CacheBackend, CACHE_METHODS)])
def test_no_method_of_an_interface_is_forgotten(interface: type, wrapped: dict[str, Any]) -> None:
    """A method that is not wrapped would run the interface's own body and never reach the back end."""
    public = {name for name, value in vars(interface).items() if callable(value) and not name.startswith("_")}
    assert set(wrapped) == public


def test_results_pass_through_as_they_are() -> None:
    """What the back end returns is what the caller gets, by any way of passing arguments."""
    proxy = instrument(FailingDatabase(), "fake")
    assert proxy.execute(query="UPDATE", params=None) == Result(3, 7)
    assert proxy.fetch_all(query="SELECT", params=()) == [{"n": 1}, {"n": 2}]
    assert instrument(FailingCache(), "fake").get(key="k", default=1) == "value"


def test_wrapt_without_its_c_extension_behaves_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a platform without a compiler only the speed differs."""
    code = (
        "import wrapt.wrappers; from support.failing import FailingDatabase, FakeTime\n"
        "from rekall.errors import DatabaseBusyError; from rekall.infra.instrument import instrument\n"
        "assert wrapt.BoundFunctionWrapper.__mro__[1].__module__ != 'builtins'  # where those in C say they are from\n"
        "time = FakeTime(); backend = FailingDatabase([DatabaseBusyError('x')], time)\n"
        "proxy = instrument(backend, 'fake', retry=time.retry())\n"
        "assert proxy.execute('U', idempotent=True).rowcount == 3\n"
        "print(backend.script.calls, backend.received)\n"
    )
    monkeypatch.setenv("WRAPT_DISABLE_EXTENSIONS", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    assert processes.run(code) == "['execute', 'execute'] [{}, {}]\n"
