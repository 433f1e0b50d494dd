"""What the pages say can be done as they say it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import CommandLine

from rekall.cli.commands import COMMANDS
from rekall.deprecation import register

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page that are in a language; none is text for a shell."""
    return [text for found, text in _BLOCK.findall((ROOT / page).read_text(encoding="utf-8")) if found == language]


def _run(script: str, folder: Path) -> str:
    """The stdout of a bash script that must succeed, with `rekall` and `python` those of the tests."""
    own = f'''set -eo pipefail
rekall() {{ "{sys.executable}" -m rekall "$@"; }}
python() {{ "{sys.executable}" "$@"; }}
'''
    done = subprocess.run(["bash", "-c", own + script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def cli() -> CommandLine:
    """The command line in this process."""
    return CommandLine()


@pytest.mark.parametrize(
    ("page", "text"),
    [
        *((page, text) for page in ("README.md", "docs/user.md") for text in _blocks(page, "python")),
        (
            "docs/backends.md",
            _blocks("docs/backends.md", "python")[-1],
        ),  # the others are those of test_backends_page.py
    ],
)
def test_python_runs(page: str, text: str, tmp_path: Path) -> None:
    """Each block alone, in a process of its own, warnings being errors."""
    subprocess.run([sys.executable, "-W", "error", "-c", text], cwd=tmp_path, check=True)


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    """What its first screen shows works in this order on a base that is not there yet."""
    screen, *_ = _blocks("README.md", "")
    found = _run(screen.replace("$ rekall", "rekall"), tmp_path)
    assert "CORS fails in Safari\t(in context)" in found
    assert '"mcpServers"' in found


def test_the_commands_of_the_user_page_run(cli: CommandLine, tmp_path: Path) -> None:
    """In the order of the page, with ids in the place of ID and OTHER."""
    ids = {"ID": cli.add("One"), "OTHER": cli.add("Two")}
    commands = "".join(text for text in _blocks("docs/user.md", "") if "rekall" in text)
    commands = re.sub(r"\b(ID|OTHER)\b", lambda found: ids[found[1]], commands).replace("git show", "echo a change")
    assert "CORS fails in Safari" in _run(commands, tmp_path)
    assert cli.json("show", ids["ID"])["tags"] == ["http"]


def test_the_configuration_of_the_user_page_is_accepted(cli: CommandLine) -> None:
    """Every line of it takes effect, and none gives a warning."""
    (text,) = _blocks("docs/user.md", "toml")
    file = Path(os.environ["REKALL_HOME"]) / "config.toml"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    from_file = {row["key"] for row in cli.json("config")["settings"] if row["origin"] == f"file {file}"}
    kept = {
        "debug",
        *(f"backends.{key}" for key in ("database", "cache", "database_options", "cache_options", "cache_on_error")),
    }
    assert from_file == kept


PAGES = ["README.md", "migration_guide.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]


def _places(page: Path) -> set[str]:
    """What a link into a page may name: its headings, written as links are."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    """To a file of the repository and, if it names one, to a heading of it."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", re.sub(r"`[^`]*`", "", text)):
        name, _, place = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        assert not place or place in _places(target), link


def test_every_page_is_in_the_readme() -> None:
    """A page that nobody is led to is not read."""
    assert [page for page in PAGES[1:] if f"]({page})" not in (ROOT / "README.md").read_text(encoding="utf-8")] == []


def test_every_command_is_on_the_user_page() -> None:
    """A command that nobody can read about is not there; the older name of `mcp` needs no reader."""
    page = (ROOT / "docs" / "user.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"rekall {name}" not in page] == ["mcp-server"]


def test_the_embedder_of_its_page_searches(tmp_path: Path) -> None:
    """The class that an author finds there, in under 20 lines, answers for the model that is configured."""
    source = _blocks("docs/backends.md", "python")[-1]
    assert len(source[source.index("class ") :].splitlines()) < 20
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    home = Path(os.environ["REKALL_HOME"])
    home.mkdir()
    settings = '[smart_embeddings]\nenabled = true\nmodel = "word-counts"\n'
    (home / "config.toml").write_text(settings, encoding="utf-8")
    (home / "config.toml").chmod(0o600)
    (tmp_path / "use.py").write_text(
        "import mine\n"
        "from pathlib import Path\n"
        "from rekall.db import Database\n"
        "from rekall.embeddings import embed_entries, get_embedding_service\n"
        "from rekall.models import Entry\n"
        "with Database(Path('k.db')) as db:\n"
        "    for name, title in (('A', 'a red house'), ('B', 'the sky at night')):\n"
        "        db.add(Entry(name, title, 'bug'))\n"
        "    service = get_embedding_service()\n"
        "    embed_entries(db, service.embedder)\n"
        "    print(service.semantic_search('house that is red', db, threshold=0.5)[0][0].id)\n",
        encoding="utf-8",
    )
    assert _run("python use.py", tmp_path) == "A\n"


def test_the_guide_lists_what_is_deprecated() -> None:
    """Its table is the register: names, versions, replacements."""
    guide = (ROOT / "migration_guide.md").read_text(encoding="utf-8")
    section = guide.partition("## Deprecated")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    rows = [tuple(cell.strip().strip("`") for cell in line.split("|")[1:4]) for line in lines]
    assert rows == [(row.name, row.since, row.removal) for row in register().values()]


def test_the_knowledge_base_can_be_asked(tmp_path: Path) -> None:
    """As the maintainers' page says; loading it again adds nothing."""
    (text,) = (block for block in _blocks("docs/maintainers.md", "") if "knowledge.py" in block)
    lines = text.replace(".venv/bin/python", f'"{sys.executable}"').replace(".venv/bin/rekall", "rekall")
    lines = lines.replace("~/.rekall-knowledge", str(tmp_path / "home")).replace("tools/", f"{ROOT / 'tools'}/")
    first, *found = _run(lines, tmp_path).splitlines()
    assert re.search(r": [1-9]\d+ entries", first)
    assert "Retry is decided" in found[0]
    assert ": 0 entries and 0 links" in _run(lines, tmp_path)
