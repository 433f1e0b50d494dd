"""tools/bench server: the servers that it compares, and the rows of its report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks import server
from benchmarks.bases import Bases
from benchmarks.load import OLDER_PROTOCOL, PROTOCOL, call
from benchmarks.measure import Row
from benchmarks.server_processes import empty_server
from benchmarks.texts import made_up_texts

from rekall.mcp.tools import TOOLS

CLIENTS = (3, 5)
EMPTY = '[{"text": "ok", "type": "text"}]'


class Silent:
    def start(self, what: str, steps: int) -> None:
        pass

    def step(self, count: int = 1) -> None:
        pass


@pytest.fixture
def bases(tmp_path: Path) -> Bases:
    return Bases(tmp_path, made_up_texts(50), Silent())


@pytest.mark.parametrize("protocol", [PROTOCOL, OLDER_PROTOCOL])
def test_the_empty_server_answers_both_protocols(bases: Bases, tmp_path: Path, protocol: str) -> None:
    """With nothing, as often as it is asked."""
    empty = empty_server(bases.copy(20, "base"), tmp_path / "home")
    try:
        load = empty.clients(3).run([call("nothing", {"query": "any"}, number=7, protocol=protocol)], 0.2)
        cpu = empty.cpu()
    finally:
        empty.stop()
    assert load.errors == 0
    assert cpu is None or cpu > 0
    assert {json.dumps(answer["result"]["content"]) for answer in load.sample} == {EMPTY}
    assert {answer["id"] for answer in load.sample} == {7}


def test_the_report_has_every_limit(bases: Bases, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sides answer what they are asked, without an error; each limit stands in one row."""
    monkeypatch.setattr(server, "CLIENTS", CLIENTS)
    monkeypatch.setattr(server, "_WARM_UP", 0.2)
    rows = server.measure(bases, rounds=1, seconds=0.2, size=200)
    limited = {row.what: (row.limit, row.at_least) for row in rows if row.limit is not None}
    gain = next(row.figure for row in rows if row.what == "a tool that does nothing, 2 workers for 1, 5 clients")
    assert limited == {
        "selective search, 3 clients": (0.5, True),
        "selective search, 5 clients": (0.5, True),
        "add, 3 clients": (0.5, True),
        "add, 5 clients": (0.5, True),
        "selective search, 3 clients, p99": (3.0, False),
        "add, 3 clients, p99": (3.0, False),
        "selective search, 2 workers for 1, 5 clients": (round(min(1.5, 0.85 * gain), 3), True),
        "calls that failed or were answered wrongly, 3 and 5 clients": (0, False),
    }
    by_rounds = {row.what for row in rows if row.base is not None and "CPU" not in row.what}
    assert {row.what for row in rows if len(row.ratios) == 1} == by_rounds
    assert rows[-1].figure == 0
    assert {row.section for row in rows} == {"server"}
    assert all(row.figure > 0 for row in rows[:-1])


def test_sides_are_compared_round_by_round() -> None:
    """A machine that is slower for some rounds moves medians apart, and no ratio.

    A round in which the one was silent counts, one in which the other was cannot be compared.
    """
    ratios = server._ratios([100.0, 60.0, 90.0, 0.0, 50.0], [200.0, 100.0, 100.0, 100.0, 0.0])
    assert ratios == [0.5, 0.6, 0.9, 0.0]
    assert server._ratios([1.0, None], [None, 2.0]) == []
    row = Row("server", "w", 100.0, "/s", base=110.0, limit=0.6, at_least=True, ratios=ratios)
    assert row.ratio == pytest.approx(0.55)
    assert row.is_over
    assert row.record()["ratios"] == ratios


def test_no_tool_takes_an_argument_from_a_header() -> None:
    """The server does not look through the schemas for that at every call."""
    for spec in TOOLS:
        assert "x-mcp-header" not in json.dumps(spec.input_schema())
