"""Two surfaces compared: what breaks somebody is found, what is only added passes, what was announced is excused."""

from __future__ import annotations

import pytest
from api_run import broken, outdated, summary
from api_surface.comparison import compare
from api_surface.lines import Line, facts_of, printed, read, with_facts
from api_surface.snapshot import Snapshot
from support.surfaces import BREAKING, HARMLESS, ROW


def _changes(old: str, new: str) -> list[tuple[str, str]]:
    """Weight and text of every change between two surfaces, given line by line."""
    return [(change.difference.weight, str(change)) for change in compare(Snapshot(old), Snapshot(new))]


@pytest.mark.parametrize("case", BREAKING)
def test_what_breaks_somebody_is_found(case: str) -> None:
    """Each kind of breaking change, by its name as the register would have it, and nothing else beside it."""
    old, new, expected = BREAKING[case]
    changes = _changes(old, new)
    assert [text for weight, text in changes if weight == "breaking"] == expected.split("\n")
    assert all(text in broken(old, new, "1.1") for text in expected.split("\n"))


@pytest.mark.parametrize("case", HARMLESS)
def test_what_breaks_nobody_passes(case: str) -> None:
    """What is added, and what a person has to look at, stops nothing."""
    old, new, expected = HARMLESS[case]
    assert [weight for weight, _ in _changes(old, new)] == expected
    assert broken(old, new, "1.1") == ""


EXCUSED = {
    "the name as the snapshot has it": ("r.f", "r.f: function ()", ""),
    "the name without its module": ("C.m", "r.C: class\nr.C.m: method ()", "r.C: class"),
    "each place where a short name is": ("f", "r.f: function ()\ns.f: name of r.f", ""),
    "a parameter": ("f(b=)", "r.f: function (a, b=1)", "r.f: function (a)"),
    "a parameter that others follow": ("f(a=)", "r.f: function (a=1, b=1)", "r.f: function (b=1)"),
    "a parameter of a class": ("C(b=)", "r.C.__init__: method (a, b=1)", "r.C.__init__: method (a)"),
    "a module with all that it holds": ("r", "r: module\nr.f: function ()\ns: module", "s: module"),
    "a class with all that it holds": ("C", "r: module\nr.C: class\nr.C.m: method ()", "r: module"),
    "a command with its options": ("rekall a", '$ rekall a: command\n$ rekall a --x: option type="flag"', ""),
    "an option": ("rekall a --x", '$ rekall a: command\n$ rekall a --x: option type="flag"', "$ rekall a: command"),
    "a parameter of a tool": ("t(a)", 'mcp t: tool\nmcp t(a): parameter type="string"', "mcp t: tool"),
    "a config key": ("a.b", 'config.toml a.b: key type="text"', ""),
}


@pytest.mark.parametrize("case", EXCUSED)
def test_a_removal_that_is_due_is_excused(case: str) -> None:
    """By the row that the last release had, which goes with what it is about; before its time it excuses nothing."""
    name, old, new = EXCUSED[case]
    announced = f"{old}\n{ROW.format(name=name, kind='class')}"
    assert broken(announced, new, "3.0.0.dev0") == ""
    assert broken(announced, new, "3.1.2") == ""
    assert "is due for them at 2.9.9" in broken(announced, new, "2.9.9")
    assert "3.0.0" in broken(old, new, "3.0.0")


def test_an_interface_changes_with_its_versions() -> None:
    """When the last version without a method is due, the method may be abstract; in no other class."""
    group = "distribution group rekall.backends.cache: entry points r.C"
    old = f"{group}\nr.C: class\nr.C.m: method ()\nr.D: class\nr.D.m: method ()\ndistribution interface 1: interface"
    new = old.replace("method", "abstract method").replace("\ndistribution interface 1: interface", "")
    announced = f"{old}\n{ROW.format(name='interface 1', kind='interface')}"
    assert [text in broken(announced, new, "2.0") for text in ("r.C.m: is", "r.D.m: is", "interface 1: is")] == [
        True
    ] * 3
    assert [text in broken(announced, new, "3.0") for text in ("r.C.m: is", "r.D.m: is", "interface 1: is")] == [
        False,
        True,
        False,
    ]


def test_a_row_of_today_counts_when_it_is_due() -> None:
    """It cannot be in the last release where that has no base line yet."""
    row = ROW.format(name="r.f", kind="function")
    assert broken("r.f: function ()", row, "3.0") == ""
    assert broken("r.f: function ()", row, "2.0") != ""


@pytest.mark.parametrize("row", ["g", "r.f.a", "f(a=)", "r.ff", "ff", "s.f"])
def test_a_row_about_something_else_excuses_nothing(row: str) -> None:
    """Not one about a part, nor one whose name only begins or ends alike."""
    old = f"r.f: function (a)\n{ROW.format(name=row, kind='function')}"
    assert "r.f: is gone" in broken(old, "", "3.0")


def test_a_deprecated_option_that_is_due_may_go() -> None:
    """Of these rows the name is understood because the row is there: it goes with it."""
    row = ROW.format(name="rekall a --x", kind="CLI option")
    assert broken(row, "", "2.0") != ""
    assert broken(row, "", "3.0") == ""


def test_the_summary_begins_with_what_breaks() -> None:
    """Then what needs a look, then what is new."""
    text = summary("r.a: function (x=1)\nr.f: function ()", "r.a: function (x=2)\nr.b: function ()")
    assert text.splitlines() == [
        "breaks  r.f: is gone",
        "look at r.a(x=): has 2 instead of 1 where it is left out",
        "new     r.b: is a new function",
    ]


def test_a_snapshot_that_is_not_of_today_is_told_with_the_lines() -> None:
    """And with what to run; the same text is nothing to tell."""
    told = outdated("r.f: function (a)\nr.g: function ()\n", "r.f: function ()\nr.g: function ()\n")
    assert "-r.f: function ()\n+r.f: function (a)\n" in told
    assert "r.g" not in told
    assert told.endswith("run tools/api and commit tests/data/api.txt.")
    assert outdated("same\n", "same\n") == ""


def test_what_is_printed_is_read_again() -> None:
    """Line by line, with facts of every type, in order and without comments."""
    lines = [
        Line("r.f", "async function", "(a: dict[str, int] = {}) -> None"),
        with_facts(
            "config.toml a", "key", type="text", default="a = b: [c]", choices=["x y", "=z"], lowest=0, hidden=False
        ),
        Line("r.C", "frozen class", "of a.B, c.D"),
    ]
    text = printed(lines)
    assert list(read(text).values()) == [lines[1], lines[2], lines[0]]
    assert facts_of(lines[1]) == {"type": "text", "default": "a = b: [c]", "choices": ["x y", "=z"], "lowest": 0}


@pytest.mark.parametrize(
    "lines", [[Line("a", "class"), Line("a", "module")], [Line("a", "thing")], [Line("a: b", "class")]]
)
def test_what_would_be_read_otherwise_is_not_printed(lines: list[Line]) -> None:
    """Two lines about one thing, a kind that nobody knows, a name with the sign that ends it."""
    with pytest.raises(ValueError, match=r"cannot stand in a snapshot|is no line of a snapshot"):
        printed(lines)
