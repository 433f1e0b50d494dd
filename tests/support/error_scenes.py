"""What docs/errors.md shows, made to happen: each scene prepares a folder, and runs one command in it."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rekall.db import Database
from rekall.models import Entry, StructuredContext

FOLDER = "/home/you/notes"
"""What the page calls the folder of a base, which is also where the commands run."""

IDS = ("01JAAAAAAAAAAAAAAAAAAAAAA1", "01JAAAAAAAAAAAAAAAAAAAAAA2")
_CONTEXT = StructuredContext("Safari refused the request", "Send the Vary header", ["cors", "safari"])

_CLASS = """\
import sys
from rekall.cli import app

try:
    app(sys.argv[1:], prog_name="rekall", standalone_mode=False)
except Exception as error:
    print(type(error).__name__)
"""

Prepare = Callable[[Path], object]


@dataclass(frozen=True)
class Scene:
    """One command that fails.

    Args:
        command: as a person types it.
        prepare: what the folder holds before.
        environment: variables that are set.
    """

    command: str
    prepare: Prepare = lambda folder: None
    environment: Mapping[str, str] = field(default_factory=dict)

    def block(self, folder: Path) -> str:
        """The command with its answer and exit status, as the page shows them.

        Args:
            folder: an empty one.
        """
        self.prepare(folder)
        done = self._run("-m", folder)
        shown = [f"$ {self._assignments()}{self.command}", constant(done.stdout, folder).rstrip("\n")]
        return "\n".join([*shown, f"(exit status {done.returncode})"])

    def raised(self, folder: Path) -> str:
        """The class of the error that the command ends with.

        Args:
            folder: an empty one.
        """
        self.prepare(folder)
        return self._run(_CLASS, folder).stdout.splitlines()[-1]

    def _run(self, how: str, folder: Path) -> subprocess.CompletedProcess[str]:
        program, *arguments = shlex.split(self.command)
        start = ["-m", program] if how == "-m" else ["-c", how]
        return subprocess.run(
            [sys.executable, *start, *arguments],
            env={**environment(folder), **self.environment},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def _assignments(self) -> str:
        return "".join(f"{name}={shlex.quote(value)} " for name, value in self.environment.items())


def environment(folder: Path) -> dict[str, str]:
    """The variables of a process that has its base, and its further modules, in a folder."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "PYTHONPYCACHEPREFIX") if name in os.environ}
    own = {"HOME": str(folder), "REKALL_HOME": str(folder), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(folder / "site")}
    return {**kept, **own}


def constant(text: str, folder: Path) -> str:
    """The text with what differs from run to run replaced."""
    text = text.replace(str(folder), FOLDER)
    return re.sub(r"knowledge_\d{4}-\d\d-\d\d_\d{6}", "knowledge_2026-01-02_030405", text)


def config(text: str) -> Prepare:
    """A config.toml of this text."""

    def prepare(folder: Path) -> None:
        file = folder / "config.toml"
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)

    return prepare


def base(folder: Path) -> None:
    """A base with two entries."""
    with Database(folder / "knowledge.db") as db:
        for entry_id, title in zip(IDS, ("CORS fails in Safari", "CORS fails behind the proxy"), strict=True):
            db.add(Entry(entry_id, title, "bug"), context=_CONTEXT)


def instead_of_the_base(data: bytes) -> Prepare:
    """Something else at the place of the base."""
    return lambda folder: (folder / "knowledge.db").write_bytes(data)


def with_sql(*statements: str) -> Prepare:
    """A base that some program changed with SQL."""

    def prepare(folder: Path) -> None:
        base(folder)
        connection = sqlite3.connect(folder / "knowledge.db")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    return prepare


def of_another_program(folder: Path) -> None:
    """A SQLite database in the place of the base, with tables that are not Rekall's."""
    connection = sqlite3.connect(folder / "knowledge.db")
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.commit()
    connection.close()


def damaged(folder: Path) -> None:
    """A base whose pages were overwritten, all but the first."""
    base(folder)
    file = folder / "knowledge.db"
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096))


def both(*parts: Prepare) -> Prepare:
    """One after the other."""

    def prepare(folder: Path) -> None:
        for part in parts:
            part(folder)

    return prepare


def files(**contents: str) -> Prepare:
    """Files of these names in the folder; two underlines stand for a dot."""

    def prepare(folder: Path) -> None:
        for name, text in contents.items():
            (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")

    return prepare


def notes(*names: str) -> Prepare:
    """Notes in Markdown at these paths."""
    return lambda folder: [(folder / name).write_text(f"# {name}\n\nText.\n", encoding="utf-8") for name in names]


def archive(folder: Path) -> None:
    """A zip that is no archive of Rekall."""
    with zipfile.ZipFile(folder / "holiday.rekall.zip", "w") as zipped:
        zipped.writestr("beach.txt", "sun")


def plugin(code: str, *, name: str = "acme-rekall", kind: str = "database") -> Prepare:
    """An installed distribution that brings a back end `acme`, and config that selects it.

    Args:
        code: of its module.
        name: of the distribution.
        kind: of the back end.
    """

    def prepare(folder: Path) -> None:
        module = name.replace("-", "_")
        site = folder / "site"
        information = site / f"{module}-0.1.dist-info"
        information.mkdir(parents=True)
        (site / f"{module}.py").write_text(code, encoding="utf-8")
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n", encoding="utf-8")
        points = f"[rekall.backends.{kind}]\nacme = {module}:Acme\n"
        (information / "entry_points.txt").write_text(points, encoding="utf-8")
        config(f'[backends]\n{kind} = "acme"\n')(folder)

    return prepare


def package(name: str, code: str) -> Prepare:
    """A module that stands before the installed one of that name."""

    def prepare(folder: Path) -> None:
        (folder / "site").mkdir(exist_ok=True)
        (folder / "site" / f"{name}.py").write_text(code, encoding="utf-8")

    return prepare


ACME = """\
from rekall.errors import DatabaseUnavailableError
from rekall.infra import DefaultDatabaseBackend


class Acme(DefaultDatabaseBackend):
    interface_version = 1
"""

MISSING = "raise ModuleNotFoundError(f'No module named {__name__!r}', name=__name__)\n"
UNFETCHED = """\
class SentenceTransformer:
    def __init__(self, name, **_):
        raise OSError(f"{name} is not a local folder and is not a valid model identifier")
"""
MODEL = config('[smart_embeddings]\nenabled = true\nmodel = "all-MiniLM-L7"\n')
INSTANCE = (
    ACME
    + """
    def __init__(self):
        super().__init__()
"""
)
UNREACHABLE = """
    def connect(self):
        raise DatabaseUnavailableError("acme.example:4001 refuses connections")
"""

SCENES: dict[str, Scene] = {
    "unknown-command": Scene("rekall serch cors"),
    "unknown-option": Scene("rekall search cors --limt 5"),
    "missing-argument": Scene("rekall show"),
    "config-syntax": Scene("rekall info", config("debug = tru\n")),
    "config-unknown-key": Scene("rekall info", config('[backends]\ndatabse = "acme"\n')),
    "config-type": Scene("rekall info", config('debug = "yes"\n')),
    "config-variable": Scene("rekall info", environment={"REKALL_DEBUG": "perhaps"}),
    "config-home": Scene("rekall init", files(file=""), {"REKALL_HOME": "file/notes"}),
    "backend-unknown": Scene("rekall info", config('[backends]\ndatabase = "acme"\n')),
    "backend-server": Scene("rekall search cors", config('[backends]\ndatabase = "rqlite"\n')),
    "backend-option": Scene(
        "rekall search cors", both(base, config("[backends.database_options]\nbusy_timeot = 5.0\n"))
    ),
    "plugin-import": Scene("rekall info", plugin("import acme_driver\n")),
    "plugin-class": Scene("rekall info", plugin("class Acme:\n    pass\n")),
    "plugin-new": Scene("rekall search cors", plugin(ACME.replace("= 1", '= 2\n    minimum_rekall = "2.0"'))),
    "plugin-unstated": Scene("rekall search cors", plugin(ACME.replace("interface_version = 1", "pass"))),
    "plugin-twice": Scene("rekall info", both(plugin(ACME), plugin(ACME, name="acme-again"))),
    "plugin-old": Scene("rekall search cors", plugin(ACME.replace("= 1", "= 0"))),
    "plugin-constructor": Scene("rekall search cors", plugin(INSTANCE + "        raise KeyError('host')\n")),
    "plugin-raises": Scene(
        "rekall search cors", plugin(ACME + "\n    def connect(self):\n        raise TimeoutError('acme.example')\n")
    ),
    "plugin-unreachable": Scene("rekall search cors", plugin(ACME + UNREACHABLE)),
    "entry-missing": Scene("rekall show 01JZZ", base),
    "entry-ambiguous": Scene("rekall show 01JA", base),
    "value-type": Scene("rekall add bgu 'CORS in Safari'"),
    "value-context": Scene("rekall add bug 'CORS in Safari'"),
    "value-link": Scene(f"rekall link {IDS[0]} {IDS[0]}", base),
    "base-not-a-database": Scene("rekall info", instead_of_the_base(b"Dear diary, " * 100)),
    "base-damaged": Scene("rekall search cors", damaged),
    "base-other-program": Scene("rekall info", of_another_program),
    "base-newer": Scene("rekall info", with_sql("PRAGMA user_version = 13")),
    "base-folder": Scene("rekall info", lambda folder: (folder / "knowledge.db").mkdir()),
    "base-migration": Scene("rekall search cors", both(with_sql("PRAGMA user_version = 11"), files(backups=""))),
    "backup-exists": Scene("rekall backup --output copy.db", both(base, files(copy__db=""))),
    "restore-missing": Scene("rekall restore monday.db --yes", base),
    "restore-invalid": Scene("rekall restore notes.db --yes", both(base, files(notes__db="Dear diary"))),
    "import-missing": Scene("rekall import notes.json", base),
    "import-archive": Scene("rekall import holiday.rekall.zip", both(base, archive)),
    "import-json": Scene("rekall import notes.json", both(base, files(notes__json='[{"id": "1", '))),
    "import-limit": Scene(
        "rekall import notes --limit entries=1",
        both(base, lambda folder: (folder / "notes").mkdir(), notes("notes/one.md", "notes/two.md")),
    ),
    "import-strategy": Scene("rekall import notes.json --strategy newest", base),
    "export-folder": Scene("rekall export site", both(base, lambda folder: (folder / "site").mkdir())),
    "embeddings-package": Scene("rekall embeddings --download", both(base, package("tokenizers", MISSING))),
    "embeddings-model": Scene(
        "rekall search cors --semantic-only", both(base, package("sentence_transformers", ""), MODEL)
    ),
    "embeddings-download": Scene(
        "rekall embeddings --download", both(base, package("sentence_transformers", UNFETCHED), MODEL)
    ),
}
"""By the name that the page gives in a comment before the block."""
