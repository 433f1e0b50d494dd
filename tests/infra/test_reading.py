"""A query that writes is told from one that reads, by its words alone."""

from __future__ import annotations

import pytest

from rekall.errors import QueryError
from rekall.infra.reading import refuse_writes

READS = [
    "SELECT 1",
    "  select * from t",
    "VALUES (1)",
    "EXPLAIN DELETE FROM t",
    "PRAGMA integrity_check(10)",
    "PRAGMA foreign_key_check",
    "PRAGMA user_version",
    "PRAGMA cache_size = 100",
    "SELECT updated_at, replace(a, 'b', 'c') FROM t",
    "SELECT 'DELETE FROM t'",
    "WITH a AS (SELECT 1) SELECT * FROM a",
    "WITH a AS (SELECT replace(x, ';', '') FROM t) SELECT 'INSERT', \"UPDATE\", `DELETE`, [INSERT] FROM a",
    "WITH a AS (SELECT 1) /* INSERT INTO t */ SELECT * FROM a -- DELETE FROM t",
    "WITH a AS (SELECT 'it''s an UPDATE') SELECT * FROM a",
    "SELEC wrong",
    "",
]
WRITES = {
    "INSERT INTO t VALUES (1)": "INSERT",
    "insert into t values (1) returning id": "INSERT",
    "  -- a comment\n/* another */UPDATE t SET a = 1": "UPDATE",
    "DELETE FROM t": "DELETE",
    "REPLACE INTO t VALUES (1)": "REPLACE",
    "CREATE TABLE t (a)": "CREATE",
    "DROP TABLE t": "DROP",
    "ALTER TABLE t ADD COLUMN b": "ALTER",
    "VACUUM": "VACUUM",
    "ATTACH 'x' AS y": "ATTACH",
    "PRAGMA user_version = 5": "USER_VERSION",
    "pragma main.user_version(5)": "USER_VERSION",
    "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a": "INSERT",
    "WITH a(x) AS (VALUES ('(')),b AS(SELECT 2)UPDATE t SET a = 1": "UPDATE",
    "WITH a AS (SELECT 'x')/**/DELETE FROM t": "DELETE",
    "WITH RECURSIVE a AS (SELECT 1) REPLACE INTO t SELECT * FROM a": "REPLACE",
    "BEGIN": "transaction control",
}


@pytest.mark.parametrize("sql", READS, ids=repr)
def test_a_read_passes(sql: str) -> None:
    """Whatever stands in its texts, names and comments; what is no SQL at all is left to the driver."""
    refuse_writes(sql)


@pytest.mark.parametrize("sql", list(WRITES), ids=repr)
def test_a_write_is_refused(sql: str) -> None:
    """The error names the word."""
    with pytest.raises(QueryError, match=WRITES[sql]):
        refuse_writes(sql)
