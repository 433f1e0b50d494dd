"""The 54 faults of Rekall 0.3: each has a test that fails on it, or its part is still pending."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support.contract import guide

TESTS = Path(__file__).parents[1]


class Fault(NamedTuple):
    """What 0.3 did wrong.

    Args:
        text: one line.
        pending: the part, as the guide names it, that it is in, wholly or with a rest; empty when all of it is here.
    """

    text: str
    pending: str = ""


NETWORK = "enrichment over the network"
FAULTS = {
    1: Fault("rekall_related answered every id with an error"),
    2: Fault("rekall_deprecate called a method that did not exist"),
    3: Fault("rekall_sources_suggest read attributes that a source does not have"),
    4: Fault("rekall_sources_verify called a missing method and would have written statuses that the schema refuses"),
    5: Fault("sources recalculate without an id raised, and computed no score"),
    6: Fault("sources suggest raised"),
    7: Fault("consolidation --analyze raised"),
    8: Fault("hooks install copied a file that was not shipped, and told where it would be", "hooks"),
    9: Fault("a search for user-id, C++ or nothing at all crashed"),
    10: Fault("hybrid scores turned the order of the text search around, and could divide by zero"),
    11: Fault("every text hit had a relevance of 1.0"),
    12: Fault("searches saw only the cached vectors; the cache mixed bases and never expired its matrix"),
    13: Fault("vectors of two lengths broke the reading of all"),
    14: Fault("structured contexts were not searched"),
    15: Fault("the configured model, vector index and context size had no effect"),
    16: Fault("archives left out obsolete entries, links, contexts and review data"),
    17: Fault("import --no-backup made a backup"),
    18: Fault("import --dry-run counted accesses and accepted any strategy"),
    19: Fault("add stored the entry before it refused its context"),
    20: Fault("opening an old file with any command but migrate left its contexts unconverted for good"),
    21: Fault("of three schemas called 12 one was refused and one failed on the first source"),
    22: Fault("a failed migration left half a version; a newer file was opened as current"),
    23: Fault(
        "migrate --enrich-context --dry-run upgraded the file; the real run wrote an unknown method, lost markers"
    ),
    24: Fault("restore took any SQLite file over an open one; backup copied bytes and overwrote"),
    25: Fault("a backup made ~/.rekall, which turned the home directory into a project with an empty base"),
    26: Fault("install replaced other programs' files whole", "integrations"),
    27: Fault("an entry named in superseded_by could not be deleted; an unknown replacement was a traceback"),
    28: Fault("a repeated tag aborted add and update; rekall_add cleaned and limited nothing"),
    29: Fault("update_source saved 9 of 24 columns; zeros read back as defaults, dates as times"),
    30: Fault("add_source promised to refuse a duplicate and stored it"),
    31: Fault("a suggestion was not recognised when its ids came in another order"),
    32: Fault("sources migrate --dry-run added themes"),
    33: Fault("a page that could not be fetched was marked as enriched", NETWORK),
    34: Fault("lists documented as JSON were stored joined by commas"),
    35: Fault("a history that grew was not read again", "connectors"),
    36: Fault("times without zone, local in some columns and UTC in others, reached programs as they were"),
    37: Fault("JSON of the sources commands was wrapped at 80 columns and read as markup"),
    38: Fault("titles and contents were read as markup"),
    39: Fault("the warning about permissions stood before the JSON on stdout"),
    40: Fault("suggest showed 14 characters of an id of which --accept needs 26"),
    41: Fault("related --depth and sources verify --domain did nothing"),
    42: Fault("promotion settings: 0 ignored, reset without effect, the configuration passed over"),
    43: Fault("--global and --legacy skipped config.toml"),
    44: Fault("staging promote of a known address and graph of an unknown id ended with status 0"),
    45: Fault("an exception in a tool left the base locked for the calls after it"),
    46: Fault("time_of_day and day_of_week inside a context were lost"),
    47: Fault("of long transcripts the last messages were refused and the first gave an empty excerpt"),
    48: Fault("a context was required whatever the mode, as text refused; content of the first capture step forgotten"),
    49: Fault("help ignored its topic, info its tiers; errors looked like answers; the version was another's"),
    50: Fault("every read rewrote the full-text row and committed once for each hit"),
    51: Fault("inbox add misjudged private addresses; enrichment followed redirects to any", NETWORK),
    52: Fault("a promoted source kept its whole address as pattern, glued to the domain by the checker"),
    53: Fault("limits of archives were defined and never applied"),
    54: Fault("type hints of the database module could not be read"),
}


def _marked(source: str) -> Iterator[int]:
    """The numbers in the marks `pytest.mark.fault(...)` of test functions and classes, and of their parameters."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name.lower().startswith("test"):
            for call in (inner for decorator in node.decorator_list for inner in ast.walk(decorator)):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault":
                    yield from (ast.literal_eval(argument) for argument in call.args)


COVERED = {
    number for file in TESTS.rglob("test_*.py") if file != Path(__file__) for number in _marked(file.read_text("utf-8"))
}


def test_there_are_54() -> None:
    """Numbered without a gap, and no mark names another."""
    assert list(FAULTS) == list(range(1, 55))
    assert set(FAULTS) >= COVERED


@pytest.mark.parametrize("number", FAULTS)
def test_each_is_covered_or_pending(number: int) -> None:
    """By a test that carries its number; a part that is pending stands in the guide, so that it cannot be forgotten."""
    fault = FAULTS[number]
    assert number in COVERED or fault.pending, fault.text
    if fault.pending:
        assert fault.pending in {cell for row in guide.pending() for cell in row.cells}


@pytest.mark.parametrize(
    ("source", "numbers"),
    [
        ("@pytest.mark.fault(3)\ndef test_x(): ...", [3]),
        ("@pytest.mark.fault(3, 4)\ndef test_x(): ...", [3, 4]),
        ("@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.fault(5))])\ndef test_x(x): ...", [5]),
        ("@pytest.mark.fault(3)\ndef helper(): ...", []),
        ("# @pytest.mark.fault(3)\ndef test_x(): ...", []),
        ("'''@pytest.mark.fault(3)'''", []),
    ],
)
def test_marks_are_read(source: str, numbers: list[int]) -> None:
    """The search that the matrix rests on: a mark on what is collected counts, and nothing else."""
    assert list(_marked(source)) == numbers
