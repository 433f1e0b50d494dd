"""What migration_guide.md shows can be done: the way back to 0.3, a back end of 0.3 and what becomes of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import databases, legacy, raw
from support.command_line import CONTEXT
from support.contract.config_keys import RECORDED
from support.legacy import Legacy

from rekall.config_keys import KEYS
from rekall.db import Database
from rekall.deprecation import RekallDeprecationWarning
from rekall.errors import NotSupportedError
from rekall.infra import ServiceContainer, register_backend
from rekall.models import Entry, StructuredContext

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "migration_guide.md").read_text("utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BEFORE, AFTER = (next(text for _, text in BLOCKS if text.startswith(f"# {name}.py")) for name in ("before", "after"))
CLEANING = next(text for _, text in BLOCKS if "DROP" in text)


def shown(part: str) -> str:
    """The one line of a message of the page."""
    (line,) = (text.strip() for language, text in BLOCKS if language == "text" and part in text)
    return line


def one_file(source: str) -> Any:
    """The class of a block."""
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102  # a block of our own page
    return names["OneFile"]


def test_the_file_is_left_without_a_trace_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script of the page; 0.3 then works on the file, and so do we, with everything made anew."""
    path = tmp_path / "knowledge.db"
    databases.unpack("v12.db", tmp_path).rename(path)
    before = raw.all_rows(path)
    context = StructuredContext("the walrus was late", "set the clock", ["walrus"])
    with Database(path) as ours:
        ours.add(Entry("A", "ours", "bug"), context=context)
    count = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'rekall%'"
    assert raw.rows(path, count) > [(5,)]
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-W", "error", "-c", CLEANING], check=True)
    assert raw.rows(path, count) == [(0,)]
    assert set(raw.all_rows(path)) == set(before)
    theirs = Legacy(path, legacy.base_schema(tmp_path))
    theirs.add("B", "theirs", "of the older program", [])
    assert theirs.search("theirs") == ["B"]
    theirs.close()
    with Database(path) as ours:
        assert [hit.entry.id for hit in ours.search("walrus")] == ["A"]
        assert [hit.entry.id for hit in ours.search("theirs")] == ["B"]


def test_0_3_ignores_the_newer_keys() -> None:
    """The page names each key, or section, that the recorded configuration of 0.3 does not have."""
    theirs = {(fact["section"] or "", fact["key"]) for fact in RECORDED["keys"]}
    newer = [key for key in KEYS if (key.section, key.name) not in theirs]
    (row,) = re.findall(r"^\| `config.toml`: (.+?) \|", PAGE, re.MULTILINE)
    assert set(re.findall(r"`([^`]+)`", row)) == {f"[{key.section}]" if key.section else key.name for key in newer}


def test_the_names_of_the_server_say_what_is_missing(tmp_path: Path) -> None:
    """The message of the page."""
    file = tmp_path / "home"
    own = {**os.environ, "REKALL_HOME": str(file), "REKALL_DATABASE_BACKEND": "rqlite"}
    command = [sys.executable, "-m", "rekall", "add", "bug", "title", "--context-json", CONTEXT]
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (1, shown("rqlite"))


def test_a_back_end_of_0_3_reads_and_says_what_it_lacks(tmp_path: Path) -> None:
    """Registered as 0.3 did it, on a base of schema 12."""
    path = databases.unpack("v12.db", tmp_path)
    with pytest.warns(RekallDeprecationWarning, match="backend="):
        register_backend("database", backend=one_file(BEFORE)(path))
    with Database(path) as base:
        assert len(base.list_all(limit=-1)) > 10
        with pytest.raises(NotSupportedError) as raised:
            base.add(Entry("A", "title", "bug"))
        assert str(raised.value) == shown("has no execute_batch")
    ServiceContainer.reset_instance()


def test_the_same_for_interface_1_passes_the_kit(tmp_path: Path) -> None:
    """Every check, in strict mode."""
    (tmp_path / "after.py").write_text(AFTER, encoding="utf-8")
    (tmp_path / "test_after.py").write_text(
        "from after import OneFile\n"
        "from rekall.testing import DatabaseConformance\n"
        "class TestOneFile(DatabaseConformance):\n"
        "    backend = OneFile\n"
        "    capabilities = ('persistent',)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_after.py"]
    own = {**os.environ, "CI": "true"}
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d\d passed", done.stdout)
