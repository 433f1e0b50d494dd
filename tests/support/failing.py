"""Back ends that fail on order, and time and a log that only write down what is asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rekall.infra import CacheBackend, DatabaseBackend, Result, Statement
from rekall.infra.instrument import Retry
from rekall.infra.interfaces import Params, Row


class FakeTime:
    """A clock that only sleeping and failing calls move.

    Args:
        draws: what `uniform` gives, in order, the last for ever.
    """

    def __init__(self, draws: Sequence[float] = (0.5, 1.0)) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.ranges: list[tuple[float, float]] = []
        self._draws = list(draws)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def uniform(self, low: float, high: float) -> float:
        self.ranges.append((low, high))
        return self._draws.pop(0) if len(self._draws) > 1 else self._draws[0]

    def retry(self) -> Retry:
        """The timing of a container or proxy that runs on this clock."""
        return Retry(sleep=self.sleep, uniform=self.uniform, clock=self.clock)


class RecordingLog:
    """A logger that keeps its events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def debug(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, **fields})


class _Script:
    """Raises the errors in turn, one a call, and then lets the calls through."""

    def __init__(self, errors: Iterable[BaseException], time: FakeTime | None = None, lasts: float = 0.0) -> None:
        self.errors = list(errors)
        self.time = time
        self.lasts = lasts
        self.calls: list[str] = []

    def call(self, name: str) -> None:
        self.calls.append(name)
        if self.time is not None:
            self.time.now += self.lasts
        if self.errors:
            raise self.errors.pop(0)


class FailingDatabase(DatabaseBackend):
    """A database without data.

    Args:
        errors: raised in turn by whatever is called.
        time: moved by each call.
        lasts: seconds that each call takes on it.
    """

    def __init__(self, errors: Iterable[BaseException] = (), time: FakeTime | None = None, lasts: float = 0.0) -> None:
        self.script = _Script(errors, time, lasts)
        self.received: list[dict[str, Any]] = []
        self.batches: list[list[str]] = []

    def connect(self) -> None:
        self.script.call("connect")

    def close(self) -> None:
        self.script.call("close")

    def is_connected(self) -> bool:
        self.script.call("is_connected")
        return True

    def execute(self, query: str, params: Params | None = None, **extra: Any) -> Result:
        self.received.append(extra)
        self.script.call("execute")
        return Result(3, 7)

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        self.script.call("fetch_one")
        return {"secret": "value"}

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        self.script.call("fetch_all")
        return [{"n": 1}, {"n": 2}]

    def execute_batch(self, statements: Iterable[Statement], **extra: Any) -> int:
        """Reads half of the statements, then fails if an error is due, else reads the rest."""
        self.received.append(extra)
        seen: list[str] = []
        self.batches.append(seen)
        for statement in statements:
            seen.append(statement.sql)
            if len(seen) == 2:
                self.script.call("execute_batch")
        return 5

    def backup(self, target: Any) -> None:
        self.script.call("backup")


class FailingCache(CacheBackend):
    """A cache that holds "value" under every key; `errors`, `time` and `lasts` as for `FailingDatabase`."""

    def __init__(self, errors: Iterable[BaseException] = (), time: FakeTime | None = None, lasts: float = 0.0) -> None:
        self.script = _Script(errors, time, lasts)

    def get(self, key: str, default: Any = None) -> Any:
        self.script.call("get")
        return "value"

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self.script.call("set")

    def delete(self, key: str) -> bool:
        self.script.call("delete")
        return True

    def clear(self) -> None:
        self.script.call("clear")

    def exists(self, key: str) -> bool:
        self.script.call("exists")
        return True


class Restartable:
    """Statements that can be read again from the start; counts how often they were."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._statements = statements
        self.started = 0

    def __iter__(self) -> Iterator[Statement]:
        self.started += 1
        return iter(self._statements)
