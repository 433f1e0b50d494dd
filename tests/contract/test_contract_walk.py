"""Every item of Rekall 0.3 is present, pending or an intended difference, and the guide says which."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path

import pytest
from support.contract import guide
from support.contract.report import DIFFERENT, PENDING, PRESENT, UNEXPLAINED, WALKS, Line, report, summary

import rekall

NOT_YET = {
    "embeddings": (
        *("rekall.embeddings", "rekall.vector_index", "rekall.model_manager", "rekall embeddings"),
        *("rekall.services.EmbeddingService", "rekall.services.get_embedding_service"),
    ),
    "connectors": ("rekall.connectors", "rekall.autoscan", "rekall sources scan", "rekall sources inbox import"),
    "hooks": ("rekall.hooks", "rekall hooks", "rekall sources setup-hook"),
    "integrations": ("rekall.integrations", "rekall install", "rekall research"),
    "enrichment over the network": (
        *("rekall.enrichment.fetch_metadata", "rekall.enrichment.enrich_inbox_entry"),
        *("rekall.enrichment.enrich_inbox_entries", "rekall sources staging enrich"),
    ),
    "terminal interface": ("rekall.tui", "rekall sources inbox browse", "rekall sources staging browse"),
}
"""What may be pending, by part: the list in the guide can only become shorter."""

# what each file held when it was recorded: a walk that passes something over would count less
SMALLEST = {"cli.json": 210, "mcp_tools.json": 73, "python_api.json": 2_030, "config_keys.json": 29}


@functools.cache
def _report(name: str) -> list[Line]:
    return report(name)


def _lines(heading: str) -> list[Line]:
    return [line for name in WALKS for line in _report(name) if line.heading == heading]


@pytest.mark.parametrize("name", WALKS)
def test_every_item_is_explained(name: str) -> None:
    """Same name, type, default and necessity, unless a row of the guide says otherwise."""
    lines = _report(name)
    unexplained = [f"{one.finding.item} {one.finding.problem}" for one in lines if one.heading == UNEXPLAINED]
    assert unexplained == []
    assert len(lines) >= SMALLEST[name]
    assert len({(one.finding.item, one.finding.kind) for one in lines}) == len(lines)


def test_nothing_is_declared_without_being_done() -> None:
    """A method that is there and only raises NotImplementedError is not there."""
    package = Path(inspect.getfile(rekall)).parent
    assert [str(file) for file in package.rglob("*.py") if "NotImplementedError" in file.read_text("utf-8")] == []


def test_nothing_is_pending_but_what_may_be() -> None:
    """Each row of the guide names parts of 0.3 that were put off, and no other."""
    for row in guide.pending():
        (part,) = row.cells
        assert set(row.items) <= set(NOT_YET[part])


def test_no_command_tool_or_method_is_given_up() -> None:
    """What differs on purpose is a detail: a command, a tool or a method of `Database` is not."""
    for line in _lines(DIFFERENT):
        found = line.finding
        assert not (found.missing and found.kind in ("command", "group", "option", "argument", "tool", "method")), found
        assert not (found.kind == "method" and found.item.startswith("rekall.db.Database.")), found
    assert [line for line in _lines(PENDING) if line.finding.kind in ("tool", "key")] == []


@pytest.mark.parametrize(("rows", "heading"), [(guide.differences, DIFFERENT), (guide.pending, PENDING)])
def test_no_row_of_the_guide_is_out_of_date(rows: object, heading: str) -> None:
    """Each item that the page names still differs, or is still missing; each row has a reason or a part."""
    lines = _lines(heading)
    assert callable(rows)
    for row in rows():
        assert row.cells[-1]
        for item in row.items:
            named = guide.Row((item,), ())
            assert any(named.covers(line.finding.item) for line in lines), item


def test_all_that_is_pending_is_missing() -> None:
    """A part that has come is taken off the list, item by item."""
    present = [line.finding.item for line in _lines(PRESENT)]
    assert [item for item in present if any(row.covers(item) for row in guide.pending())] == []


def test_the_counts_can_be_read() -> None:
    """One line for each file, as `python -m support.contract.report` prints it."""
    lines = list(summary())
    assert [line.split()[0] for line in lines[1:5]] == list(WALKS)
    counts = [[int(number) for number in line.split()[1:]] for line in lines[1:5]]
    assert [sum(row) for row in counts] == [len(_report(name)) for name in WALKS]
