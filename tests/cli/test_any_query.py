"""Whatever is searched for, the command line answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.command_line import CommandLine

WORDS = [
    "walrus",
    "ice",
    "C++",
    "user-id",
    "foo(bar)",
    "AND",
    "OR",
    "NOT",
    "NEAR(",
    "title:",
    '"',
    "*",
    "^",
    "-",
    "'",
    "[/b]",
]
QUERIES = st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join))
# the base is only searched, so the examples may share it
SHARED_BASE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
def base(cli: CommandLine) -> CommandLine:
    """A base of three entries."""
    for title in ("Walrus on ice", "C++ [/b] user-id", "foo(bar) 'quoted'"):
        cli.add(title, "--content", "walrus " * 3)
    return cli


def _answers(cli: CommandLine, query: str) -> None:
    shown = cli.ok("search", "--", query)
    found = json.loads(cli.ok("search", "--json", "--", query))
    assert found["query"] == query
    hits = [line for line in shown.splitlines() if line.startswith("01")]
    assert len(hits) == found["total_count"] == len(found["results"])


@given(QUERIES)
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=SHARED_BASE)
def test_some_queries(base: CommandLine, query: str) -> None:
    """As lines and as JSON, with as many hits in both."""
    _answers(base, query)


@pytest.mark.long
@given(QUERIES)
@settings(max_examples=2000, deadline=None, database=None, suppress_health_check=SHARED_BASE)
def test_many_queries(base: CommandLine, query: str) -> None:
    """The same two thousand times."""
    _answers(base, query)
