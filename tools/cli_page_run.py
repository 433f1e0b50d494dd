"""Writes docs/cli.md: every command as it answers on a terminal of 80 columns and in a pipe, for `tools/cli-page`.

The base is made for the page, with times relative to now. What differs from run to run (times, new ids, the folder) is
replaced by text of the same length, so that the page changes only when the program does.
"""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import cli_page_examples as examples
from terminal import on_terminal

from rekall.infra.distributions import installed
from rekall.infra.interfaces import KINDS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "cli.md"
WIDTH = 80
FOLDER = "/home/you/notes"
"""What the page calls the folder of the base: as long as a name that `tempfile` makes in /tmp."""

_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?P<time>[ T]\d\d:\d\d)?(?P<seconds>:\d\d)?(?P<fraction>\.\d{1,6})?(?P<zone>[+-]\d\d:\d\d)?"
)
_SIZE = re.compile(r"\b\d+(\.\d)? (KB|MB|GB|KiB|MiB|GiB)\b")
_TAKEN = re.compile(r"\b\d+\.\d ms\b")
_ULID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
_STAMP = re.compile(r"\d{8}[-_T]\d{6}(\d{6})?|\d{4}-\d\d-\d\d_\d{6}")
_VERSIONS = re.compile(r"(SQLite\s+)\d+\.\d+\.\d+")
_INSTALLED = re.compile(r"(rekall \d\S+) in\s+/\S+(?:\n {10,}\S+)*")  # the path may be folded

HEAD = f"""# The command line, as it answers

Real output of every command, on a terminal of {WIDTH} columns and in a pipe. `tools/cli-page` makes this page, and a
test compares it with what the commands print today; times, new ids and the folder are replaced. `rekall COMMAND --help`
says more, and every command answers a program with `--json`.
"""


class Page:
    """The commands of the page, run one after the other on one base.

    Args:
        folder: becomes REKALL_HOME, and is where they run.
        first: a folder that comes first on Python's path.
    """

    def __init__(self, folder: Path, first: Path) -> None:
        self.folder = folder
        self._ids: dict[str, str] = {}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("REKALL_", "XDG_"))},
            "PYTHONPATH": os.pathsep.join(filter(None, [str(first), os.environ.get("PYTHONPATH")])),
            "HOME": str(folder),
            "REKALL_HOME": str(folder),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "PYTHONUTF8": "1",
            "EDITOR": "true",
            "VISUAL": "true",
            "NO_COLOR": "1",
        }
        for name in ("COLUMNS", "LINES", "PYTHONWARNINGS", "PYTHONUNBUFFERED"):
            self._environment.pop(name, None)

    def text(self) -> str:
        """The whole page."""
        return "\n".join(self._parts())

    def _parts(self) -> Iterator[str]:
        examples.make_base(self.folder / "knowledge.db")
        self._ids = {entry_id: entry_id for entry_id in self._known()}
        yield HEAD
        for heading, commands in examples.COMMANDS.items():
            yield f"## {heading}\n"
            for example in commands:
                yield self._shown(example)

    def _shown(self, example: examples.Example) -> str:
        arguments = [*example.arguments]
        typed = shlex.join(["rekall", *arguments])
        parts = [f"### rekall {example.name}\n"]
        if example.on_terminal:
            command = [sys.executable, "-m", "rekall", *arguments]
            status, written = on_terminal(
                command, self._environment, self.folder, answers=example.answers, columns=WIDTH
            )
            parts.append(self._block(typed, status, written.decode().replace("\r\n", "\n"), example.status))
        if example.piped:
            done = subprocess.run(
                [sys.executable, "-m", "rekall", *arguments],
                env=self._environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            parts.append(self._block(f"{typed} | cat", done.returncode, done.stdout.decode(), example.status))
        return "\n".join(parts)

    def _block(self, typed: str, status: int, text: str, expected: int) -> str:
        if status != expected:
            raise SystemExit(f"{typed} ended with exit code {status}:\n{text}")
        shown = self._constant(_last_screen(_STYLE.sub("", text))).strip("\n")
        lines = [line.rstrip() for line in shown.split("\n")]
        return "\n".join(
            ["```console", f"$ {typed}", *lines, *([f"(exit status {status})"] if status else []), "```\n"]
        )

    def _constant(self, text: str) -> str:
        """The text with what differs from run to run replaced by something as long."""
        for new in self._known():
            self._ids.setdefault(new, f"01NEW{len(self._ids):021d}")
        for length in (26, 14, 13, 12):  # in full, and as tables and lists shorten an id
            for found, stable in self._ids.items():
                text = text.replace(found[:length], stable[:length])
        text = _ULID.sub(
            lambda match: match[0] if match[0] in self._ids.values() else "01OTHER0000000000000000000", text
        )
        text = text.replace(str(self.folder), FOLDER)
        text = text.replace(sys.executable, "/home/you/.venv/bin/python")
        text = _STAMP.sub(lambda match: re.sub(r"\d", "0", match[0]), text)
        text = _TIME.sub(_same_length, text)
        text = _VERSIONS.sub(r"\1x.y.z", text)
        text = _INSTALLED.sub(r"\1 in its environment", text)
        text = _TAKEN.sub("n ms", text)
        return _SIZE.sub(r"n \2", text)

    def _known(self) -> list[str]:
        """Every id in the base, those of each table in the order in which they came."""
        connection = sqlite3.connect(self.folder / "knowledge.db")
        try:
            tables = ("entries", "links", "sources", "suggestions", "sources_inbox", "sources_staging")
            return [row[0] for table in tables for row in connection.execute(f"SELECT id FROM {table} ORDER BY rowid")]
        finally:
            connection.close()


def _last_screen(text: str) -> str:
    """What stays of lines that were written over, as progress is."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _same_length(match: re.Match[str]) -> str:
    parts: Mapping[str, str | None] = match.groupdict()
    return "".join(
        (
            "2026-01-02",
            f"{parts['time'][0]}03:04" if parts["time"] else "",
            ":05" if parts["seconds"] else "",
            ".000000"[: len(parts["fraction"])] if parts["fraction"] else "",
            "+00:00" if parts["zone"] else "",
        )
    )


def made() -> str:
    """The page as the program answers today."""
    with (
        tempfile.TemporaryDirectory(prefix="r-", dir="/tmp") as folder,
        tempfile.TemporaryDirectory(prefix="rekall-page-") as first,
    ):
        hide_plugins(Path(first))
        return Page(Path(folder), Path(first)).text()


def hide_plugins(folder: Path) -> None:
    """Put a distribution without back ends before each that has some: the page is the same wherever it is made.

    Args:
        folder: is to come first on Python's path.
    """
    for name in {plugin.distribution for kind in KINDS for plugin in installed(kind)[0]}:
        place = folder / f"{name}-0.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n", "utf-8")
        (place / "entry_points.txt").write_text("".join(f"[rekall.backends.{kind}]\n" for kind in KINDS), "utf-8")


def main() -> None:
    """Write the page, or with --check only compare it."""
    text = made()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text("utf-8") != text:
            raise SystemExit("docs/cli.md is not what the commands print today: run tools/cli-page")
    else:
        PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
