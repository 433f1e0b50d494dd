"""The write-ahead log of a base that is read without a gap stays bounded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from server_support.pooled import INSERT, PATIENCE, opened, until
from support import raw

from rekall.errors import IntegrityError
from rekall.infra.interfaces import CallGivenUp, Statement
from rekall_server.backends.write_ahead_log import LONGEST_LOG

BLOB = "INSERT INTO t (value) VALUES (zeroblob(1000000))"


@pytest.mark.parametrize("linked", [False, True], ids=["the file", "a link to it"])
def test_a_log_that_grew_too_long_is_emptied(linked: bool, tmp_path: Path) -> None:
    """While somebody reads an old state it grows, and writes go on; as soon as nobody needs it, it is short again."""
    path = tmp_path / "a.db"
    log = tmp_path / "a.db-wal"
    name = path
    if linked:
        name = tmp_path / "link.db"
        path.touch()
        name.symlink_to(path)
    with opened(name) as backend:
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
            written = 0
            while log.stat().st_size < LONGEST_LOG * 1.3:
                backend.execute(BLOB)
                written += 1
            assert written > LONGEST_LOG // 1_000_000
            assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
            reader.execute("COMMIT")

        def is_short() -> bool:
            nonlocal written
            backend.execute("INSERT INTO t (value) VALUES (1)")
            written += 1
            return log.stat().st_size < LONGEST_LOG / 10

        until(is_short, "a log that is emptied")
        assert backend.fetch_one("SELECT count(*) AS n FROM t") == {"n": written}
    assert raw.rows(path, "SELECT count(*) FROM t") == [(written,)]


def test_a_log_that_was_put_off_is_written_out_though_other_writes_fail(tmp_path: Path) -> None:
    """Whoever may wait writes it into the database before anything else, whatever becomes of what it was asked for."""
    path = tmp_path / "a.db"
    rows = [Statement(INSERT, ("x" * 1000,))] * 1000
    with opened(path) as backend:
        backend.execute("CREATE TABLE one (value UNIQUE)")
        backend.execute("INSERT INTO one VALUES (1)")
        put_off = 0
        for _ in range(60):
            try:
                with backend.within(PATIENCE):
                    backend.together(lambda: backend.execute_batch(rows))
                put_off += 1
            except CallGivenUp:
                pass
            with pytest.raises(IntegrityError):
                backend.execute("INSERT INTO one VALUES (1)")
        assert put_off > 40
        assert path.with_name("a.db-wal").stat().st_size < put_off * 1_000_000 / 2


def test_after_a_write_that_may_not_wait_others_write_the_log_out_as_ever(tmp_path: Path) -> None:
    """SQLite does so in the commit that makes it long."""
    path = tmp_path / "a.db"
    with opened(path) as backend:
        with backend.within(PATIENCE):
            backend.together(lambda: backend.execute(INSERT, (1,)))
        assert path.stat().st_size < 1_000_000
        backend.execute_batch([Statement(INSERT, ("x" * 1000,))] * 6000)
        assert path.stat().st_size > 6_000_000
