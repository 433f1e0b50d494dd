"""Shows Rekall as a person and an assistant use it, and checks every answer; `tools/demo` installs it first."""

from __future__ import annotations

import asyncio
import json
import lzma
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import knowledge
from terminal import on_terminal

from rekall.db import Database

ROOT = Path(__file__).resolve().parents[1]
OLD_BASE = ROOT / "tests" / "data" / "databases" / "v05.db.xz"
WIDTH = 80
LINES = 18
"""Lines of an answer over MCP that are shown at most."""

OUR_QUESTION = "why is retry decided by the back end?"
OUR_ANSWER = "Retry is decided by the back end's error"
CAPTURED = "Tests pass alone and fail together"
CONTEXT = """{
  "situation": "The suite failed on the build machine only, in another order.",
  "solution": "Reset the cached configuration after every test.",
  "trigger_keywords": ["flaky", "test order", "cache"]
}"""
SHARED = """{
  "situation": "A laptop was lost, and nobody knew whose token was on it.",
  "solution": "Each client gets a token of its own, which can be revoked alone.",
  "trigger_keywords": ["token", "lost", "revoke"]
}"""
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


class DemoError(Exception):
    """Something did not work as it should; the text says what."""


class Demo:
    """One run in a folder of its own.

    Args:
        home: becomes REKALL_HOME.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.database = home / "knowledge.db"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("REKALL_", "XDG_"))},
            "REKALL_HOME": str(home),
            "COLUMNS": str(WIDTH),
            "LINES": "24",
            "TERM": "xterm-256color",
        }
        script = Path(sys.executable).with_name("rekall")
        self._rekall = [str(script)] if script.exists() else [sys.executable, "-m", "rekall"]

    def shown(self, *arguments: str) -> None:
        """Run a command on a terminal, and show it with what it prints."""
        print(f"$ {_as_typed(['rekall', *arguments])}", flush=True)
        status, output = on_terminal([*self._rekall, *arguments], self._environment, self.home)
        text = output.decode(errors="replace").replace("\r\n", "\n").strip("\n")
        if not sys.stdout.isatty():
            text = _STYLE.sub("", text)
        print("\n".join(line.rstrip() for line in text.split("\n")) + "\n", flush=True)
        if status:
            raise DemoError(f"rekall {arguments[0]} ended with exit code {status}")

    def asked(self, *arguments: str) -> Any:
        """The answer of a command as a program gets it."""
        done = subprocess.run(
            [*self._rekall, *arguments, "--json"],
            env=self._environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DemoError(f"rekall {arguments[0]} --json failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def search(self, query: str, *, must_find: str) -> str:
        """Show a search whose first hit must have a title that begins so; returns the id of that hit."""
        self.shown("search", query, "--limit", "5")
        hits = self.asked("search", query, "--limit", "5")["results"]
        if not hits or not hits[0]["title"].startswith(must_find):
            raise DemoError(f"searching {query!r} did not find '{must_find}' first")
        return str(hits[0]["id"])

    def upgrade(self) -> None:
        """Migrate a base of Rekall 0.3 and find in it what was stored then."""
        heading("A base of Rekall 0.3: migrated behind a backup, nothing lost")
        self.database.touch(mode=0o600)
        self.database.write_bytes(lzma.decompress(OLD_BASE.read_bytes()))
        before = titles(self.database)
        self.shown("migrate")
        backups = list((self.home / "backups").glob("*.db"))
        check(len(backups) == 1 and titles(backups[0]) == before, "the backup does not hold the old base")
        check(titles(self.database) == before, "the migrated base does not hold what the old one held")
        self.shown("info")
        self.search("deadlock audit trigger", must_find="Deadlock again")

    def learn(self) -> None:
        """Load our own knowledge and ask it something."""
        heading("What we learned while building Rekall, kept in Rekall")
        with Database(self.database) as db:
            loaded = knowledge.load(db, knowledge.OURS)
        check(loaded.entries > 0 and loaded.links > 0, f"{knowledge.OURS.name} holds no entries or no links")
        print(f"docs/knowledge.json: {loaded.entries} entries with their contexts, {loaded.links} links\n")
        found = self.search(OUR_QUESTION, must_find=OUR_ANSWER)
        self.shown("show", found)
        check(self.asked("show", found)["context"] is not None, "the context of the answer is not there")

    def capture(self) -> None:
        """Add an entry and find it again by its context."""
        heading("Capture what you have just learned")
        before = len(titles(self.database))
        self.shown("add", "bug", CAPTURED, "--tags", "pytest", "--project", "shop", "--context-json", CONTEXT)
        check(len(titles(self.database)) == before + 1, "the entry was not stored")
        self.search("failed on the build machine", must_find=CAPTURED[:20])

    async def assist(self) -> None:
        """The same over MCP, with a real client."""
        from fastmcp import Client
        from fastmcp.client.transports import StdioTransport

        heading("The same for your AI assistant: MCP over stdio")
        command = [*self._rekall, "mcp"]
        print("$ rekall mcp")
        started = time.monotonic()
        transport = StdioTransport(command[0], command[1:], env=self._environment, cwd=str(self.home))
        async with Client(transport) as client:
            tools = [tool.name for tool in await client.list_tools()]
            print(indented(f"{len(tools)} tools after {time.monotonic() - started:.1f} s: {', '.join(tools)}") + "\n")

            found = await called(client, "rekall_search", query=OUR_QUESTION, limit=2)
            check(found["results"][0]["title"].startswith(OUR_ANSWER), "the assistant was not given the answer")
            added = await called(
                client,
                "rekall_add",
                type="pitfall",
                title="A fixture that changes the environment must restore it",
                content="What one test leaves behind is the next test's riddle.",
                context=json.loads(CONTEXT),
                tags=["pytest"],
            )
            shown = await called(client, "rekall_show", id=added["id"])
            check(shown["entry"]["title"].startswith("A fixture"), "the assistant's entry was not stored")
        check(
            any(hit["id"] == added["id"] for hit in self.asked("search", "riddle")["results"]),
            "the command line does not find what the assistant stored",
        )

    async def serve(self) -> None:
        """The same over HTTP, where the server is installed, with the client of the official MCP package."""
        heading("The same for a team: MCP over HTTP")
        program = self.server()
        if program is None:
            is_there = (ROOT / "server").is_dir()
            print(f"{'rekall-server is not installed' if is_there else 'server/ is not there'}: passed over.\n")
            return
        from demo_server import listening, session

        print("$ rekall-server --port 0")
        with listening([str(program), "--port", "0"], self._environment, self.home) as server:
            if server is None:
                raise DemoError(f"rekall-server does not listen: {(self.home / 'server.log').read_text('utf-8')}")
            print(indented(server.said.partition("\n\n")[0]) + "\n")
            async with session(server.url) as client:
                added = await called(
                    client, "rekall_add", type="pattern", title="One token for each laptop", context=json.loads(SHARED)
                )
                found = await called(client, "rekall_search", query="whose laptop was lost", limit=1)
                check(found["results"][0]["id"] == added["id"], "the team does not find what one of them stored")
                await called(client, "rekall_show", id=added["id"])
        check(server.process.returncode == 0, "rekall-server did not stop as it should")
        print("(stopped by SIGTERM: exit code 0)\n")
        check(
            any(hit["id"] == added["id"] for hit in self.asked("search", "laptop")["results"]),
            "the command line does not find what was stored over HTTP",
        )

    def server(self) -> Path | None:
        """The program of Rekall Server, beside this Python or where tools/test and tools/demo install it."""
        places = [Path(sys.executable).parent, Path(sys.prefix) / "server" / "bin"]
        return next((place / "rekall-server" for place in places if (place / "rekall-server").exists()), None)


async def called(client: Any, name: str, **arguments: Any) -> dict[str, Any]:
    """Show a call of a tool with its answer.

    Args:
        client: of MCP.
        name: the tool.
        arguments: those of the call.

    Returns:
        the answer as a program gets it.
    """
    given = ", ".join(f"{key}={json.dumps(value)}" for key, value in arguments.items())
    print(textwrap.fill(f"> {name}({given})", WIDTH, subsequent_indent="  "))
    result = await client.call_tool(name, arguments)
    print(indented("\n".join(block.text for block in result.content)) + "\n", flush=True)
    return dict(result.structured_content or {})


def titles(database: Path) -> set[str]:
    """The titles in a base, read without Rekall."""
    connection = sqlite3.connect(database)
    try:
        return {title for (title,) in connection.execute("SELECT title FROM entries")}
    finally:
        connection.close()


def check(holds: bool, otherwise: str) -> None:
    """Raise `DemoError` unless something holds."""
    if not holds:
        raise DemoError(otherwise)


def heading(text: str) -> None:
    """Print the title of a part."""
    print(f"{text}\n{'─' * len(text)}", flush=True)


def indented(text: str) -> str:
    """The first lines of an answer, folded to the width and set off."""
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, WIDTH - 2) or [""]]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"... and {len(lines) - LINES + 1} more lines"]
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _as_typed(command: Sequence[str]) -> str:
    """A command as one would type it, folded to the width before an option."""
    lines = [""]
    words = iter(map(shlex.quote, command))
    for word in words:
        unit = f"{word} {next(words)}" if word.startswith("--") else word
        if lines[-1] and len(lines[-1]) + len(unit.partition("\n")[0]) + 3 > WIDTH:
            lines.append("   ")
        lines[-1] += f" {unit}" if lines[-1] else unit
    return " \\\n".join(lines)


def main() -> int:
    """Show everything; 1 when something did not work."""
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="rekall-demo-") as folder:
            demo = Demo(Path(folder))
            demo.upgrade()
            demo.learn()
            demo.capture()
            asyncio.run(demo.assist())
            asyncio.run(demo.serve())
    except DemoError as error:
        print(f"error: the demo failed: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # whoever read along has gone; nothing more may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    print(f"Done in {time.monotonic() - started:.0f} s, in a throw-away folder: nothing of yours was touched.")
    print("Yours begins with: .venv/bin/rekall --help")
    if demo.server() is not None:
        print("For a team: .venv/server/bin/rekall-server --help")
    return 0


if __name__ == "__main__":
    sys.exit(main())
