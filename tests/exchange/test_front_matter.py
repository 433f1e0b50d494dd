"""Front matter: what people write there, and what someone writes who means harm."""

from __future__ import annotations

import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import processes

from rekall.errors import ImportRefusedError
from rekall.exchange.front_matter import LONGEST, split


def test_values_are_the_texts_that_stand_there() -> None:
    """Neither numbers nor booleans nor dates: what they mean is for their reader to say."""
    front, body = split(
        "---\ntitle: No\nversion: 1.10\nat: 22:30\nday: 2024-01-05\nempty:\nlist: [on, 007]\n"
        "inner:\n  - a: b\n---\nThe text\n",
        "a.md",
    )
    assert front.values == {
        "title": "No",
        "version": "1.10",
        "at": "22:30",
        "day": "2024-01-05",
        "empty": "",
        "list": ["on", "007"],
        "inner": [{"a": "b"}],
    }
    assert body == "The text\n"


def test_toml() -> None:
    """Has the same values."""
    front, body = split(
        '+++\ntitle = "A: b"\ndraft = true\nday = 2024-01-05\nn = 1\nlist = ["a"]\n[params]\nx = 1.5\n+++\ntext', "a.md"
    )
    assert front.values == {
        "title": "A: b",
        "draft": "true",
        "day": "2024-01-05",
        "n": "1",
        "list": ["a"],
        "params": {"x": "1.5"},
    }
    assert body == "text"
    assert front.lines_of(["title", "params"]) == 'title = "A: b"\n[params]\nx = 1.5'


def test_lines_are_given_back_as_they_were_written() -> None:
    """With comments, quotes and everything; of a mapping on one line, all of it."""
    front, _ = split('---\n"a b": x # why\nlist:\n  - 1\n\n  - "é"\n# about c\nc: {d: e}\n---\n', "a.md")
    assert front.lines_of(["a b", "c"]) == '"a b": x # why\nc: {d: e}'
    assert front.lines_of(["list"]) == 'list:\n  - 1\n\n  - "é"\n# about c'
    assert front.lines_of([]) == ""
    front, _ = split("---\n{a: b, c: d}\n---\n", "a.md")
    assert front.lines_of(["c"]) == "{a: b, c: d}"


@pytest.mark.parametrize(
    "text",
    [
        *("no front matter", "", "---", "---\n", "---\nno end", "text\n---\na: b\n---\n", "----\na: b\n---\n"),
        *("---\nA paragraph between two rules.\n---\nmore", "---\n- a list\n---\n", "+++\n", "+++\na = 1\n---\n"),
    ],
)
def test_a_text_without_front_matter(text: str) -> None:
    """Stays as it is."""
    front, body = split(text, "a.md")
    assert front.values == {}
    assert body == text


@pytest.mark.parametrize(
    "text", ["---\n---\ntext", "---\n\n---\ntext", "---\n# a comment\n...\ntext", "+++\n+++\ntext"]
)
def test_an_empty_front_matter(text: str) -> None:
    """Is taken off."""
    front, body = split(text, "a.md")
    assert front.values == {}
    assert body == "text"


BOMB = "a: &a [x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
HOSTILE = {
    "an alias": ("a: &x 1\nb: *x", "line 3", "alias"),
    "a bomb of aliases": (BOMB, "line 3", "alias"),
    "a bomb of merged keys": ("a: &a {b: c}\nd: {<<: *a}", "line 3", "alias"),
    "a key twice": ("a: 1\nb: 2\na: 3", "line 4", "twice"),
    "a key twice inside": ("a:\n  b: 1\n  b: 2", "line 4", "twice"),
    "a list as a key": ("? [a]\n: b", "line 2", "quotes"),
    "a placeholder": ("title: {{title}}", "line 2", "quotes"),
    "a colon in a title": ("title: Foo: bar", "line 2", "quotes"),
    "a tab": ("\ta: b", "line 2", "no YAML"),
    "an open bracket": ("a: [b", "no YAML"),
    "an open quote": ('a: "b', "no YAML"),
    "a control character": ("a: \x01", "no YAML"),
    "half of a character": ('a: "\\ud800"', "line 2"),
    "two documents": ("a: b\n--- \nc: d", ""),
    "a deep list": ("a: " + "[" * 10_000, "line 2"),
    "a deep block": ("a:\n" + "- " * 10_000, "line 3"),
    "a deep mapping": ("{a: " * 10_000, "line 2"),
    "a long one": ("a: " + "b" * LONGEST, str(LONGEST)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_refused_of_yaml(case: str) -> None:
    """In one line that names the line of the file."""
    source, *expected = HOSTILE[case]
    text = f"---\n{source}\n---\ntext"
    if case == "two documents":  # its second line of dashes ends the front matter
        assert split(text, "a.md")[1].startswith("c: d")
        return
    with pytest.raises(ImportRefusedError) as caught:
        split(text, "a.md")
    message = str(caught.value)
    assert message.startswith("a.md")
    assert "\n" not in message
    assert len(message) < 400
    for words in expected:
        assert words in message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a = ", "line 2"),
        ('a = "b"\na = "c"', "line 3"),
        ("a = " + "[" * 20_000, "nest"),
        ("a = " + "{a = " * 10_000, "nest"),
        (".".join(["a"] * 5_000) + " = 1", "nest"),
        ('a = "\\ud800"', "no TOML"),
    ],
)
def test_what_is_refused_of_toml(source: str, words: str) -> None:
    """In one line too."""
    with pytest.raises(ImportRefusedError) as caught:
        split(f"+++\n{source}\n+++\ntext", "a.md")
    assert str(caught.value).startswith("a.md")
    assert "\n" not in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system [ls]", "!!binary aGk=", "!x y", "!!int 'a'", "!!set {a}"]
)
def test_tags_build_nothing(tag: str) -> None:
    """The value is the text, the list or the mapping that is written there."""
    front, _ = split(f"---\na: {tag}\n---\n", "a.md")
    assert front.values in ({"a": ["ls"]}, {"a": "aGk="}, {"a": "y"}, {"a": "a"}, {"a": {"a": ""}})


PIECES = [
    "a",
    ": ",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    "&b ",
    "*b",
    "!!x ",
    "|",
    ">",
    '"',
    "'",
    "#",
    "? ",
    "%",
    "\t",
    "...",
    ",",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_front_matter_is_read_or_refused(source: str) -> None:
    """By the parser in C, and by the one in Python that is there where it is not; nothing else happens."""
    text = f"---\n{source}\n---\ntext"
    for missing in ((), ("yaml.CBaseLoader",)):
        with pytest.MonkeyPatch.context() as patch:
            for name in missing:
                patch.delattr(name)
            with suppress(ImportRefusedError):
                front, body = split(text, "a.md")
                assert body == text or body.endswith("text")
                assert front.lines_of(list(front.values)) in ("", front.source.strip("\n")) or front.sources


def test_without_the_parser_in_c() -> None:
    """A hostile text takes no longer, and the lines of keys are the same."""
    code = """
import sys, yaml
del yaml.CBaseLoader
from rekall.errors import ImportRefusedError
from rekall.exchange.front_matter import split
for source in ("a: " + "[" * 30_000, "a:\\n" + "- " * 30_000, "{a: " * 15_000, "a: &a [*a]", 'a: "\\\\ud800"'):
    try:
        split(f"---\\n{source}\\n---\\n", "a.md")
    except ImportRefusedError as error:
        print(str(error)[:11])
print(split("---\\na: b # c\\nd: [é, 😀]\\ne: f\\n---\\n", "a.md")[0].lines_of(["d", "a"]))
"""
    assert processes.run(code) == "a.md, line \n" * 5 + "d: [é, 😀]\na: b # c\n"


def test_yaml_is_loaded_when_it_is_needed() -> None:
    """By a note with front matter alone."""
    code = "import sys, rekall.exchange.notes, rekall.exchange.detect; print({'yaml', 'tomlkit'} & set(sys.modules))"
    assert processes.run(code) == "set()\n"
    assert "yaml" in sys.modules
