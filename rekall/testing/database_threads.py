"""Checks of a database back end: eight threads at once lose nothing, mix nothing up and see no half of a batch."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from rekall.errors import QueryError, RekallError
from rekall.infra.instrument import instrument
from rekall.infra.interfaces import DatabaseBackend, Statement
from rekall.testing.contract import contract, same
from rekall.testing.database_frame import INSERT, DatabaseFrame, one, refused, settled
from rekall.testing.pressure import THREADS, in_threads

_ROUNDS = 12


class ThreadChecks(DatabaseFrame):
    """Used from every thread, through the layer that tries a `TransientError` again."""

    @contract("eight threads that count up with SET value = value + 1 lose no update, and what is busy is tried again")
    def test_no_update_is_lost(self, database: DatabaseBackend) -> None:
        backend = instrument(database, "conformance")
        settled(backend.execute, "INSERT INTO items VALUES (1, 0), (2, 0)")

        def work(_: int) -> None:
            for _ in range(_ROUNDS):
                changed = settled(backend.execute, "UPDATE items SET value = value + 1 WHERE id = 1").rowcount
                same(changed, 1, "rowcount of an UPDATE of one row")
                same(
                    settled(backend.execute_batch, [Statement("UPDATE items SET value = value + 1", expect=2)]),
                    2,
                    "a batch's sum",
                )

        in_threads(work)
        found = settled(backend.fetch_all, "SELECT value FROM items ORDER BY id")
        same([row["value"] for row in found], [2 * THREADS * _ROUNDS, THREADS * _ROUNDS], "the two counters")

    @contract("each thread gets its own rows, counts and ids, never those of a call that another thread made")
    def test_threads_do_not_mix(self, database: DatabaseBackend) -> None:
        backend = instrument(database, "conformance")

        def work(thread: int) -> None:
            for number in range(_ROUNDS):
                mine = f"{thread} {number}"
                rows = "(?)" + ", (?)" * thread
                result = settled(backend.execute, f"INSERT INTO items (value) VALUES {rows}", [mine] * (thread + 1))
                same(result.rowcount, thread + 1, "rowcount of an INSERT")
                last = settled(backend.fetch_one, "SELECT value FROM items WHERE id = ?", (result.lastrowid,))
                same(last, {"value": mine}, "the row of lastrowid")
                found = settled(backend.fetch_all, "SELECT value, ? AS tag FROM items WHERE value = ?", (number, mine))
                same(found, [{"value": mine, "tag": number}] * (thread + 1), "the rows of a thread")

        in_threads(work)
        total = _ROUNDS * sum(range(1, THREADS + 1))
        same(one(settled(backend.fetch_one, "SELECT count(*) AS n FROM items")), {"n": total}, "the number of rows")

    @contract("nobody sees a batch half applied, and one that fails is never seen at all")
    def test_batches_are_seen_whole(self, database: DatabaseBackend) -> None:
        backend = instrument(database, "conformance")
        settled(backend.execute, "INSERT INTO items VALUES (1, 1000), (2, 0)")
        move = [
            Statement("UPDATE items SET value = value - 1 WHERE id = 1", expect=1),
            Statement("UPDATE items SET value = value + 1 WHERE id = 2", expect=1),
        ]

        def work(thread: int) -> None:
            for _ in range(_ROUNDS):
                if thread % 4 == 0:
                    settled(backend.execute_batch, move)
                elif thread % 4 == 1:
                    refused("a wrong batch", QueryError, settled, backend.execute_batch, [move[0], Statement("wrong")])
                else:
                    seen = one(settled(backend.fetch_one, "SELECT sum(value) AS n FROM items"))
                    same(seen, {"n": 1000}, "the sum that moves between two rows")

        in_threads(work)
        moved = THREADS // 4 * _ROUNDS
        found = settled(backend.fetch_all, "SELECT value FROM items ORDER BY id")
        same([row["value"] for row in found], [1000 - moved, moved], "the two rows at the end")

    @contract("a back end may be connected, used and closed by different threads")
    def test_any_thread_may_close(self, tmp_path: Path) -> None:
        backend = self.opened(tmp_path)

        def work(thread: int) -> None:
            settled(backend.execute, INSERT, (thread,))

        in_threads(work)
        same(one(settled(backend.fetch_one, "SELECT count(*) AS n FROM items")), {"n": THREADS}, "the number of rows")
        in_threads(lambda thread: backend.close() if thread == 0 else None)
        same(backend.is_connected(), False, "is_connected after another thread closed it")

    @contract("close while other threads use it ends their calls with their result or an error of rekall.errors")
    def test_closing_under_use_is_told(self, tmp_path: Path) -> None:
        backend = self.opened(tmp_path)

        def work(thread: int) -> None:
            if thread == 0:
                time.sleep(0.02)
                backend.close()
                return
            with suppress(RekallError):
                for _ in range(100 * _ROUNDS):
                    backend.fetch_all("SELECT value FROM items")
                    backend.execute("UPDATE items SET value = 1")

        in_threads(work)
        backend.close()
