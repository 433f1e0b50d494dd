"""What `rekall search` says beside its hits: how it read the query, why a hit is where it is, what took its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import meaning
from support.command_line import CommandLine, run_in_terminal, run_program
from support.embedders import registered

from rekall import embeddings
from rekall.cli.search import project_at_hand
from rekall.config import load_config
from rekall.db import Database
from rekall.infra.interfaces import Statement

BESIDE = ["notes", "corrections", "narrowed", "nothing", "superseded", "linked"]
OF_0_3 = ["query", "results", "total_count", "search_mode", "context_matches"]
on_posix = pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals of POSIX")


@pytest.fixture
def replaced(cli: CommandLine) -> tuple[str, str]:
    """An obsolete entry and the one that took its place; their words differ."""
    old, new = cli.add("Five connections in the pool"), cli.add("Ten of them")
    cli.ok("deprecate", old, "--replaced-by", new)
    return old, new


# notes


def test_a_typing_error_is_told_below_the_rows(cli: CommandLine) -> None:
    """On a line of its own that begins as the count does, so that rows stay rows."""
    entry_id = cli.add("CORS fails in Safari")
    assert cli.ok("search", "corss").splitlines() == [
        f"{entry_id}\tbug\t2/5\t-\tCORS fails in Safari",
        "# 1 result",
        "# no match for 'corss', showing 'cors'",
    ]


def test_accents_do_not_count_in_what_is_told(cli: CommandLine) -> None:
    """The word that hits hold is named, and no other form that the index takes for the same."""
    cli.add("Le résumé est vide")
    assert cli.ok("search", "résumee").splitlines()[-1] == "# no match for 'résumee', showing 'résume'"


def test_the_keys_beside_those_of_0_3(cli: CommandLine) -> None:
    """After those of 0.3, with what was done; without --explain no hit has an explanation."""
    cli.add("CORS fails")
    answer = cli.json("search", "corss")
    assert list(answer) == OF_0_3 + BESIDE
    assert answer["notes"] == ["no match for 'corss', showing 'cors'"]
    assert answer["corrections"] == {"corss": ["cors"]}
    assert (answer["nothing"], answer["narrowed"], answer["superseded"], answer["linked"]) == (None, [], [], [])
    assert "explanation" not in answer["results"][0]


@on_posix
def test_notes_stand_above_the_table(cli: CommandLine) -> None:
    """A person reads them before the hits."""
    cli.add("CORS fails")
    lines = run_in_terminal(["search", "corss"])[1].splitlines()
    assert lines[:2] == ['Search: "corss"', "No match for 'corss', showing 'cors'"]
    assert any("CORS fails" in line for line in lines[2:])


def test_a_broad_query_in_a_large_base_names_the_words_that_chose(cli: CommandLine) -> None:
    """In a pipe and in JSON; a query of rare words is not narrowed."""
    common = ("linux", "server", "error", "update", "with", "driver", "kernel")

    def insert(number: int) -> Statement:
        words = [word for place, word in enumerate(common) if number % (place + 2) == 0]
        content = " ".join(words + ["hdmi"] * (number % 400 == 0) + ["dongle"] * (number % 500 == 0))
        return Statement(
            "INSERT INTO entries(id, title, content, type, created_at, updated_at)"
            " VALUES (?, ?, ?, 'bug', '2025-01-01T00:00:00', '2025-01-01T00:00:00')",
            (f"E{number:05}", f"note {number}", content),
        )

    with Database(load_config().db_path) as db:
        db.init()
        db.store.session.write(insert(number) for number in range(26_000))
    load_config().db_path.chmod(0o600)  # a custom back end may leave it open to others, which a command mends and says
    query = " ".join(("hdmi", "dongle", *common))
    (note,) = cli.json("search", query)["notes"]
    narrowed = cli.json("search", query)["narrowed"]
    assert {"dongle", "hdmi"} <= set(narrowed) < set(query.split())
    chosen = " or ".join(f"'{word}'" for word in narrowed)
    assert note.startswith(f"a broad query: only entries with {chosen} were ranked;")
    assert cli.ok("search", query).splitlines()[-1] == f"# {note}"
    assert cli.json("search", "hdmi dongle")["narrowed"] == []


def test_why_nothing_in_json(cli: CommandLine) -> None:
    """One word for each reason."""
    assert cli.json("search", "walrus")["nothing"] == "nothing_stored"
    entry_id = cli.add("walrus")
    for query, options, reason in (
        ("giraffe", (), "no_match"),
        ("walrus", ("-p", "zoo"), "filtered_out"),
        ("walrus", ("-l", "0"), "limit_is_0"),
    ):
        assert cli.json("search", query, *options)["nothing"] == reason
    cli.ok("deprecate", entry_id)
    assert cli.json("search", "walrus")["nothing"] == "obsolete_only"


# --exact


def test_exact_gives_the_hits_of_0_3_alone(cli: CommandLine) -> None:
    """Not those with some of the words, nor in contexts, nor for a typing error."""
    both = cli.add("walrus ice")
    cli.add("walrus")
    assert [hit["id"] for hit in cli.json("search", "walrus ice", "--exact")["results"]] == [both]
    for query in ("streaming proxy", "walruss"):
        assert cli.json("search", query)["total_count"] > 0
        assert cli.ok("search", query, "--exact") == f'No entry matches "{query}".\n'


def test_exact_and_by_meaning_alone_exclude_each_other(cli: CommandLine) -> None:
    """Wrong usage, before the base is opened."""
    assert "--exact or --semantic-only" in cli.fails("search", "x", "--exact", "--semantic-only", status=2)


# --explain


def test_explained_in_a_pipe(cli: CommandLine) -> None:
    """Lines that are no rows, below the row that they are about."""
    entry_id = cli.add("Export stalls", "-t", "proxy")
    other = cli.add("Other")
    cli.ok("link", entry_id, other)
    lines = cli.ok("search", "export proxy", "--explain").splitlines()
    assert lines[0].startswith(entry_id)
    assert lines[1].startswith("#   score: ")
    assert lines[2] == "#   words: title: export; tags: proxy; situation: export, proxy; keywords: export, proxy"
    assert lines[3].startswith("#   by words: place 1, bm25 ")
    assert lines[4] == "#   not ranked by: 1 link, consolidation 0.00, 0 accesses"
    assert lines[5].startswith(other)
    assert lines[6:] != lines[1:5]


def test_explained_in_json(cli: CommandLine) -> None:
    """Places, words by field, and what does not rank."""
    cli.add("Walrus")
    (hit,) = cli.json("search", "walrus", "--explain")["results"]
    explanation = hit["explanation"]
    assert explanation.pop("bm25") > 0
    assert explanation == {
        "words": {"title": ["walrus"]},
        "lexical_rank": 1,
        "vector_rank": None,
        "similarity": None,
        "links": 0,
        "consolidation": 0.0,
        "accesses": 0,
    }


@on_posix
@pytest.mark.parametrize("columns", [40, 80])
def test_explained_in_a_terminal(cli: CommandLine, columns: int) -> None:
    """A block for each hit, which fits."""
    long = "A title of more than eighty characters that must be there to its very last word: walrus"
    entry_id = cli.add(long, "-p", "marine-life")
    status, screen = run_in_terminal(["search", "walrus export proxy rows", "--explain"], columns=columns)
    assert status == 0
    assert max(map(len, screen.splitlines())) <= columns
    blocks = screen[screen.index("Why they are in this order:") :]
    assert entry_id[:13] in blocks
    for part in ("score", "title: walrus", "by words", "place 1", "not ranked by"):
        assert part in " ".join(blocks.split())


def test_nothing_found_explains_nothing(cli: CommandLine) -> None:
    """The reason is all there is."""
    cli.add("Walrus")
    assert cli.ok("search", "giraffe", "--explain") == 'No entry matches "giraffe".\n'


# superseded entries


def test_what_took_the_place_of_an_obsolete_entry_in_a_pipe(cli: CommandLine, replaced: tuple[str, str]) -> None:
    """Beside hits, and where only obsolete entries match."""
    old, new = replaced
    row = f"# superseded\t{old}\tFive connections in the pool\t{new}\tTen of them"
    nothing, *rest = cli.ok("search", "connections").splitlines()
    assert (nothing.startswith('Only obsolete entries match "connections"'), rest) == (True, [row])
    hit = cli.add("Another pool")
    lines = cli.ok("search", "pool").splitlines()
    assert lines[0].startswith(hit)
    assert lines[1:] == ["# 1 result", row]
    (told,) = cli.json("search", "pool")["superseded"]
    assert told == {"id": old, "title": "Five connections in the pool", "by_id": new, "by_title": "Ten of them"}


def test_an_active_hit_that_a_link_supersedes(cli: CommandLine) -> None:
    """It is a hit, and what supersedes it is told; the linked entry too, as ever."""
    old, new = cli.add("Five connections"), cli.add("Ten of them")
    cli.ok("link", new, old, "-t", "supersedes")
    lines = cli.ok("search", "connections").splitlines()
    assert lines[0].startswith(old)
    assert f"# superseded\t{old}\tFive connections\t{new}\tTen of them" in lines
    assert cli.json("search", "connections")["linked"] == [
        {"id": new, "title": "Ten of them", "relation": "supersedes", "direction": "incoming"}
    ]


@on_posix
def test_superseded_entries_in_a_terminal(cli: CommandLine, replaced: tuple[str, str]) -> None:
    """The old title, and below it the entry to read instead."""
    old, new = replaced
    status, screen = run_in_terminal(["search", "connections"])
    _, _, section = screen.partition("Superseded:\n")
    assert (status, max(map(len, section.splitlines())) <= 80) == (0, True)
    first, second, *_ = section.splitlines()
    assert first.split()[0] in old
    assert first.rstrip().endswith("Five connections in the pool  (obsolete)")
    assert second.split()[:2] == ["→", new[:13]]
    assert "Ten of them" in second


# the project at hand


def test_the_project_at_hand_is_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest directory upwards with a `.git`, a file of a worktree too; none where there is none."""
    inner = tmp_path / "shop" / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert project_at_hand() is None
    (tmp_path / "shop" / ".git").mkdir()
    assert project_at_hand() == "shop"
    (tmp_path / "shop" / "src" / ".git").write_text("gitdir: elsewhere", encoding="utf-8")
    assert project_at_hand() == "src"


@pytest.mark.skipif(os.name == "nt", reason="a directory in use cannot be removed there")
def test_a_directory_that_is_gone(cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search works all the same."""
    entry_id = cli.add("Walrus")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.ok("search", "walrus").startswith(entry_id)


def test_the_project_at_hand_decides_between_equals(cli: CommandLine) -> None:
    """For a long question asked in a repository; a process of its own."""
    ids = {name: cli.add("Walrus stands still", "-p", name) for name in ("zoo", "sea")}
    for name, entry_id in ids.items():
        folder = Path(os.environ["HOME"]) / name
        (folder / ".git").mkdir(parents=True)
        run = run_program("search", "what makes my walrus stop in the water", "--json", cwd=folder)
        assert (run.returncode, run.stderr) == (0, b"")
        assert json.loads(run.stdout)["results"][0]["id"] == entry_id


def test_a_search_that_finds_loads_nothing_for_one_that_does_not(cli: CommandLine) -> None:
    """Neither what corrects words, nor what explains, nor what says why there is nothing."""
    cli.add("Walrus")
    code = (
        "import sys\nfrom rekall.cli import main\ntry:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )

    def imported(*args: str) -> set[str]:
        run = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
        return {name.partition("rekall.finding.")[2] for name in run.stderr.split()} & {"rescuing", "explaining", "why"}

    assert imported("search", "walrus") == set()
    assert imported("search", "walruss") == {"rescuing"}
    assert imported("search", "walrus", "--explain") == {"explaining"}
    assert imported("search", "giraffe") == {"rescuing", "why"}


# with a model


@pytest.fixture
def by_meaning() -> Iterator[None]:
    meaning.configure()
    with registered():
        yield
    embeddings.reset_embedding_service()


def test_with_a_model_both_places_are_explained(by_meaning: None, cli: CommandLine) -> None:
    """By words and by meaning, as text and as JSON."""
    cli.add("walrus at sea")
    lines = cli.ok("search", "walrus", "--explain").splitlines()
    assert [line.partition(": ")[0] for line in lines[1:6]] == [
        "#   score",
        "#   words",
        "#   by words",
        "#   by meaning",
        "#   not ranked by",
    ]
    assert lines[4].startswith("#   by meaning: place 1, similarity 0.")
    explanation = cli.json("search", "walrus", "--explain")["results"][0]["explanation"]
    assert (explanation["lexical_rank"], explanation["vector_rank"]) == (1, 1)


def test_with_a_model_a_typing_error_is_told(by_meaning: None, cli: CommandLine) -> None:
    """Where no word of the query is known."""
    entry_id = cli.add("walrus at sea")
    answer = cli.json("search", "walruss")
    assert (answer["search_mode"], answer["results"][0]["id"]) == ("hybrid", entry_id)
    assert answer["corrections"] == {"walruss": ["walrus"]}


def test_why_there_is_no_search_by_meaning_is_told_once(cli: CommandLine, by_meaning: None) -> None:
    """On stderr, and in JSON as the first note; what was done to the query stands with the hits."""
    meaning.configure(enabled=False)
    cli.add("walrus")
    meaning.configure()
    result = cli("search", "walruss")
    assert "rekall embeddings --migrate" in result.stderr
    assert result.stdout.splitlines()[1:] == ["# 1 result", "# no match for 'walruss', showing 'walrus'"]
    notes = json.loads(cli("search", "walruss", "--json").stdout)["notes"]
    assert (len(notes), notes[0] in result.stderr) == (2, True)
