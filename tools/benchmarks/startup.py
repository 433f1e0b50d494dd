"""What a person waits for before anything happens: whole processes beside an interpreter that does nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from terminal import on_terminal

from benchmarks.bases import Bases
from benchmarks.measure import Prepare, Row, Times, by_turns, details

SECTION = "start-up"
PIPED_LIMIT, DRAWN_LIMIT = 9, 12
"""A search as a whole process to `python -c pass`: piped, and with its table drawn on a terminal."""
HANDSHAKE_LIMIT, LAYER_LIMIT = 3000, 10
"""Milliseconds."""
UNWANTED = ("fastmcp", "numpy", "pydantic", "redis", "structlog", "textual")

_LAYER = """
import json, sys, time
from pathlib import Path
import rekall.config, rekall.deprecation, rekall.models, rekall.paths
configuration = rekall.config.get_config()
before = time.perf_counter()
from rekall.infra import DefaultDatabaseBackend, ServiceContainer
imported = time.perf_counter()
def bare():
    backend = DefaultDatabaseBackend(Path(sys.argv[1]))
    started = time.perf_counter()
    backend.connect()
    taken = time.perf_counter() - started
    backend.close()
    return taken
bare()
container = ServiceContainer()
started = time.perf_counter()
container.database(Path(sys.argv[1]))
resolved = time.perf_counter() - started
container.close()
print(json.dumps([imported - before, max(0.0, resolved - bare())]))
"""
_LOADED = """
import contextlib, io, json, sys
from rekall.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
print(json.dumps(sorted(sys.modules)))
"""
_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    },
}


def measure(bases: Bases, rounds: int, handshakes: int) -> list[Row]:
    """Measure whole processes.

    Args:
        bases: gives the base that is searched.
        rounds: times that each command is run.
        handshakes: times that the MCP server is started.
    """
    home = bases.copy(1_000, "knowledge").parent
    environment = {**os.environ, "REKALL_HOME": str(home), "TERM": "xterm-256color", "COLUMNS": "80"}
    rekall = [sys.executable, "-m", "rekall"]
    script = Path(sys.executable).with_name("rekall")
    if script.exists():
        rekall = [str(script)]
    words = [bases.texts.selective(number) for number in range(0, 1_000, 37)]

    def search(run: Callable[[Sequence[str], Mapping[str, str]], object]) -> Prepare:
        return lambda number: lambda: run([*rekall, "search", words[number % len(words)]], environment)

    commands: dict[str, Prepare] = {
        "python -c pass": lambda _: lambda: piped([sys.executable, "-c", "pass"], environment),
        "rekall --help": lambda _: lambda: piped([*rekall, "--help"], environment),
        "rekall search, piped": search(piped),
        "rekall search, table drawn": search(drawn),
    }
    bases.progress.start("start-up of the commands", rounds)
    times = by_turns(commands, rounds, bases.progress, warm_up=2)
    base = times["python -c pass"]
    limits = {"rekall search, piped": PIPED_LIMIT, "rekall search, table drawn": DRAWN_LIMIT}
    rows = [
        Row(
            *(SECTION, f"{name}, median", times[name].median * 1000, "ms"),
            reference="python -c pass",
            base=base.median * 1000,
            limit=limits.get(name),
            details=details({"command": times[name], "pass": base}, 1000),
        )
        for name in commands
        if name != "python -c pass"
    ]
    bases.progress.start("handshake of the MCP server", handshakes)
    shaken = Times([handshake(rekall, environment) for _ in range(handshakes)])
    rows.append(
        Row(
            *(SECTION, "rekall mcp: handshake, median", shaken.median * 1000, "ms"),
            limit=HANDSHAKE_LIMIT,
            details=details({"handshake": shaken}, 1000),
        )
    )
    return [*rows, _layer(bases, home / "knowledge.db", environment, rounds), *_unwanted(environment, words[0])]


def _layer(bases: Bases, database: Path, environment: Mapping[str, str], rounds: int) -> Row:
    """The part of the adapter layer: its imports beyond the floor, and resolving beyond connecting."""
    bases.progress.start("the adapter layer's part of the start-up", rounds)
    imports, resolving = [], []
    for _ in range(rounds):
        answer = piped([sys.executable, "-c", _LAYER, str(database)], environment)
        imported, resolved = json.loads(answer)
        imports.append(imported)
        resolving.append(resolved)
        bases.progress.step()
    together = Times([sum(pair) for pair in zip(imports, resolving, strict=True)])
    parts = {"imports": Times(imports), "resolving": Times(resolving), "together": together}
    return Row(
        *(SECTION, "the adapter layer's part, median", together.median * 1000, "ms"),
        limit=LAYER_LIMIT,
        details={**details(parts, 1000), "slowest imports (us)": _slowest(environment)},
    )


def _slowest(environment: Mapping[str, str]) -> dict[str, int]:
    """The modules that `import rekall.infra` loads beyond the floor, by their own time, as -X importtime says."""
    code = (
        "import rekall.config, rekall.deprecation, rekall.models, sys; sys.stderr.write('HERE\\n'); import rekall.infra"
    )
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    lines = done.stderr.partition("HERE\n")[2].splitlines()
    parts = [line.removeprefix("import time:").split("|") for line in lines if line.startswith("import time:")]
    own = {name.strip(): int(alone) for alone, _, name in parts}
    return dict(sorted(own.items(), key=lambda item: -item[1])[:10])


def _unwanted(environment: Mapping[str, str], word: str) -> list[Row]:
    rows = []
    for arguments in (["--help"], ["search", word]):
        answer = piped([sys.executable, "-c", _LOADED, *arguments], environment)
        loaded = sorted({name.partition(".")[0] for name in json.loads(answer)} & set(UNWANTED))
        rows.append(
            Row(
                *(SECTION, f"rekall {arguments[0]}: unwanted modules", len(loaded), ""),
                reference=", ".join(loaded),
                limit=0,
                details={"loaded": loaded},
            )
        )
    return rows


def piped(command: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """Run a command with its output in a pipe; it must succeed."""
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def drawn(command: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """Run a command with its output on a terminal; it must succeed."""
    status, output = on_terminal(command, environment)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed: {output.decode(errors='replace').strip()}")
    return output


def handshake(rekall: Sequence[str], environment: Mapping[str, str]) -> float:
    """Start the MCP server and end it by closing its input; the seconds until it has answered the first message."""
    started = time.perf_counter()
    with subprocess.Popen(
        [*rekall, "mcp"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("rekall mcp has no pipes")
        process.stdin.write(json.dumps(_INITIALIZE) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline() or "{}")
        taken = time.perf_counter() - started
        process.stdin.close()
    if "result" not in answer:
        raise RuntimeError(f"rekall mcp did not answer: {answer}")
    return taken
