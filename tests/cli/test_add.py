"""`rekall add`: what is stored, what is refused, and that a refusal stores nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import CONTEXT, CommandLine

from rekall.db import Database


def _count(cli: CommandLine) -> int:
    return int(cli.json("browse", "--obsolete")["total_count"])


def test_all_fields_are_stored(cli: CommandLine) -> None:
    """Every option ends in the entry, cleaned."""
    entry_id = cli.add(
        "  Export stalls ", "-t", "Proxy, export,,proxy", "-p", "shop", "-c", "4", "--content", "Text", "-m", "semantic"
    )
    shown = cli.json("show", entry_id)
    assert (shown["title"], shown["content"], shown["project"]) == ("Export stalls", "Text", "shop")
    assert (shown["tags"], shown["confidence"], shown["memory_type"]) == (["export", "proxy"], 4, "semantic")
    assert shown["context"]["trigger_keywords"] == ["export", "proxy"]


def test_what_it_prints(cli: CommandLine) -> None:
    """The id, type and title come first, then tags, project and the number of keywords."""
    first, *rest = cli.ok("add", "bug", "A title", "-cj", CONTEXT, "-t", "b,a", "-p", "shop").splitlines()
    assert first.startswith("Added 01")
    assert first.endswith(" bug: A title")
    assert [line.strip() for line in rest] == ["tags: b, a", "project: shop", "context: 2 keywords"]


def test_content_from_stdin(cli: CommandLine) -> None:
    """Without --content the text comes from stdin, without the line end that `echo` adds."""
    result = cli.json("add", "bug", "T", "-cj", CONTEXT, typed="déjà\nvu\n")
    assert result["content"] == "déjà\nvu"


def test_content_option_beats_stdin(cli: CommandLine) -> None:
    """With --content stdin is not used."""
    assert cli.json("add", "bug", "T", "-cj", CONTEXT, "--content", "a", typed="b")["content"] == "a"


def test_context_as_text_is_stored_and_found(cli: CommandLine) -> None:
    """--context is kept beside the structured context and searched."""
    entry_id = cli.add("T", "--context", "a remark about zeppelins")
    assert cli.json("show", entry_id)["context_text"] == "a remark about zeppelins"
    assert cli.json("search", "zeppelins")["results"][0]["id"] == entry_id


@pytest.mark.fault(38)
def test_markup_in_a_title_is_only_text(cli: CommandLine) -> None:
    """Square brackets in a title reach every output as they are."""
    title = "[bold]Mount[/bold] [/etc/hosts] [red"
    entry_id = cli.add(title)
    other = cli.add("Other")
    cli.ok("link", entry_id, other, "--reason", "[/b] why")
    for args in (("show", entry_id), ("search", "mount"), ("browse",), ("related", other), ("graph", other)):
        assert title in cli.ok(*args)


def test_required_context_is_asked_of_nobody(cli: CommandLine) -> None:
    """Without a terminal a missing context is refused with the expected keys, plain text being no substitute."""
    for options in ((), ("--context", "text")):
        line = cli.fails("add", "bug", "T", *options)
        for word in ("situation", "solution", "trigger_keywords", "--context-json", "--context-interactive"):
            assert word in line
    assert _count(cli) == 0


def test_recommended_context_is_a_warning(cli: CommandLine, home: Path) -> None:
    """In the mode `recommended` the entry is stored, and a warning goes to stderr."""
    file = home / "config.toml"
    file.write_text('[smart_embeddings]\ncontext_mode = "recommended"\n', encoding="utf-8")
    file.chmod(0o600)
    result = cli("add", "bug", "T")
    assert result.exit_code == 0
    assert result.stderr.startswith("rekall: warning: no context")
    assert _count(cli) == 1


def test_optional_context(cli: CommandLine, context_optional: None) -> None:
    """In the mode `optional` nothing is said."""
    assert cli.ok("add", "bug", "T").startswith("Added ")


def test_context_asked_from_piped_answers(cli: CommandLine) -> None:
    """--context-interactive reads its answers from stdin, in order; the title proposes keywords."""
    answers = "it stood still\nit runs again\n\nqueue, Stall\n"
    result = cli("add", "bug", "T", "-ci", "--json", typed=answers)
    assert result.exit_code == 0
    context = json.loads(result.stdout[result.stdout.index("{") :])["context"]
    assert (context["situation"], context["solution"], context["what_failed"]) == (
        "it stood still",
        "it runs again",
        None,
    )
    assert context["trigger_keywords"] == ["queue", "stall"]


def test_context_asked_of_nobody_stores_nothing(cli: CommandLine) -> None:
    """When the answers end early nothing is stored."""
    result = cli("add", "bug", "T", "-ci", typed="it stood still\n")
    assert result.exit_code == 1
    assert result.stderr.endswith("rekall: cancelled\n")
    assert _count(cli) == 0


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    ("context", "named"),
    [
        ("{", "not JSON"),
        ("[1]", "object"),
        ("{}", "situation"),
        ('{"situation": "long enough", "trigger_keywords": ["k"]}', "solution"),
        ('{"situation": "abc", "solution": "long enough", "trigger_keywords": ["k"]}', "5 characters"),
        ('{"situation": "long enough", "solution": "long enough", "trigger_keywords": []}', "trigger_keywords"),
        ('{"situation": "long enough", "solution": "long enough", "trigger_keywords": "k"}', "trigger_keywords"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_refused_context_stores_nothing(cli: CommandLine, context: str, named: str) -> None:
    """A context that is malformed or incomplete is refused before the entry is stored."""
    assert named in cli.fails("add", "bug", "T", "--context-json", context)
    assert _count(cli) == 0


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (("bugg", "T"), "did you mean bug?"),
        (("bug", ""), "title is empty"),
        (("bug", "   "), "title is empty"),
        (("bug", "x" * 501), "501 characters"),
        (("bug", "x" * 1_000_000), "1000000 characters"),
        (("bug", "T", "-m", "eternal"), "episodic, semantic"),
        (("bug", "T", "--content", "x" * 1_000_001), "1000001 characters"),
        (("bug", "T", "-t", "x" * 101), "101 characters"),
        (("bug", "T", "-t", ",".join(map(str, range(51)))), "51 tags"),
        (("bug", "T", "-p", "x" * 101), "101 characters"),
        (("bug", "\udcff"), "UTF-8"),
        (("bug", "T", "--content", "\udcff"), "UTF-8"),
    ],
)
def test_refused_values_store_nothing(cli: CommandLine, args: tuple[str, ...], named: str) -> None:
    """A value that is not accepted is named on one line, with what is accepted; nothing is stored."""
    assert named in cli.fails("add", *args, "--context-json", CONTEXT)
    assert _count(cli) == 0


def test_content_that_is_not_utf8(cli: CommandLine) -> None:
    """Bytes on stdin that are not UTF-8 are refused, with their place."""
    assert "byte 3" in cli.fails("add", "bug", "T", "-cj", CONTEXT, typed=b"abc\xff\xfe")
    assert _count(cli) == 0


def test_content_on_stdin_that_is_too_long(cli: CommandLine) -> None:
    """A million characters is the most, through stdin too."""
    assert "1000000" in cli.fails("add", "bug", "T", "-cj", CONTEXT, typed=b"x" * 4_000_001)


@pytest.mark.fault(28)
def test_tag_given_twice_is_stored_once(cli: CommandLine) -> None:
    """A repeated tag, in any case, is one tag."""
    assert cli.json("show", cli.add("T", "-t", "a,A, a "))["tags"] == ["a"]


def test_what_is_stored_is_what_the_python_api_reads(cli: CommandLine) -> None:
    """An entry added here is the same through `Database`."""
    from rekall.config import load_config

    entry_id = cli.add("Shared", "-t", "one")
    with Database(load_config().db_path) as base:
        entry = base.get(entry_id, update_access=False)
    assert entry is not None
    assert (entry.title, entry.tags) == ("Shared", ["one"])
