"""Bases for tests of backup and restore, what they hold, and processes that write to one."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rekall.db import Database
from rekall.models import Entry, generate_ulid
from support import processes, raw


def held(path: Path) -> tuple[object, ...]:
    """All that a file holds: its version, its objects, and every row of every table."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
        rows = {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()
            for kind, name, *_ in objects
            if kind == "table"
        }
    return raw.user_version(path), objects, rows


def files(folder: Path) -> list[str]:
    """What is in a folder and below it, the lock of migrations aside."""
    return sorted(
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.name != ".migration.lock" and not (file.is_dir() and file.name == "backups")
    )


def new_base(path: Path, *titles: str) -> Path:
    """A base with an entry for each title; the id is the title too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Database(path) as base:
        for title in titles:
            base.add(Entry(id=title, title=title, type="bug", content=f"about {title}"))
    return path


def titles(path: Path) -> list[str]:
    """The titles in a base."""
    return sorted(title for (title,) in raw.rows(path, "SELECT title FROM entries"))


def damage(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    (page,) = raw.rows(path, "SELECT rootpage FROM sqlite_master WHERE name = ?", table)[0]
    ((size,),) = raw.rows(path, "PRAGMA page_size")
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


_AS_NOBODY = """
import os, sys
from pathlib import Path
from rekall.backup import create_backup, find_backup, list_backups, restore
from rekall.db import Database
from rekall.errors import RekallError
def work(step, *paths):
    if step == "list":
        return [info.path.name for info in list_backups(*paths)]
    if step == "find":
        return find_backup(str(paths[0]), paths[1])
    return restore(*paths).state.version if step == "restore" else create_backup(*paths).path
# imports whatever is needed while the standard library can still be read
with Database(Path(sys.argv[1])):
    pass
work("restore", work("backup", Path(sys.argv[1])), Path(sys.argv[1] + "2"))
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for line in sys.argv[2:]:
    step, *paths = line.split("|")
    try:
        print(work(step, *map(Path, paths)))
    except RekallError as error:
        print("refused:", error)
"""


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that another user may enter; the folders of pytest are closed to others."""
    folder = Path("/tmp") / f"rekall-test-{generate_ulid()}"  # noqa: S108  # must be reachable by uid 65534
    folder.mkdir(mode=0o755)
    yield folder
    for inner in (folder, *folder.iterdir()):
        if inner.is_dir():
            inner.chmod(0o755)
    shutil.rmtree(folder)


def as_nobody(scratch: Path, *steps: str) -> list[str]:
    """What a user who owns nothing is told.

    Args:
        scratch: a folder for a base to warm up with.
        steps: `backup|BASE`, `backup|BASE|OUTPUT`, `restore|BACKUP|BASE`, `list|FOLDER` or `find|NAME|BASE`.
    """
    return processes.run(_AS_NOBODY, scratch / "warm-up.db", *steps).splitlines()


_WRITE = """
import sys
from pathlib import Path
from rekall.db import Database
from rekall.models import Entry
path, worker, stop, link = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), len(sys.argv) > 4
db = Database(path)
db.init()
number = 0
while not stop.exists():
    db.add(Entry(f"{worker}-{number:05}", f"title {number}", "bug", content="written " * 20, tags=["one", "two"]))
    print(f"{worker}-{number:05}", flush=True)
    if number and link:
        db.add_link(f"{worker}-{number:05}", f"{worker}-{number - 1:05}")
    number += 1
db.close()
"""


class Writers:
    """Processes that write as fast as they can, each entry linked to the one before, and say what was acknowledged.

    Args:
        folder: for what they say.
        link: whether they link.
    """

    def __init__(self, path: Path, folder: Path, number: int = 4, *, link: bool = True) -> None:
        self._said = [folder / f"said-{worker}" for worker in range(number)]
        self._stop = folder / "stop"
        self._processes = []
        for worker, said in enumerate(self._said):
            arguments = [str(path), f"W{worker}", str(self._stop), *(["link"] if link else [])]
            with said.open("w") as file:
                command = [sys.executable, "-c", _WRITE, *arguments]
                self._processes.append(subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE, text=True))
        self.wait_for(5)

    def acknowledged(self) -> set[str]:
        """The ids of the entries whose writing was acknowledged up to now."""
        lines = (line for said in self._said for line in said.read_text().splitlines(keepends=True))
        return {line.strip() for line in lines if line.endswith("\n")}

    def wait_for(self, each: int) -> None:
        """Until every process has written so many more entries."""
        wanted = {said: said.read_text().count("\n") + each for said in self._said}
        while any(said.read_text().count("\n") < number for said, number in wanted.items()):
            for process in self._processes:
                assert process.poll() is None, process.communicate()

    def stop(self) -> set[str]:
        """Let them end; returns all that was acknowledged."""
        self._stop.touch()
        for process in self._processes:
            assert (process.communicate(timeout=60)[1], process.returncode) == ("", 0)
        return self.acknowledged()


def sound(path: Path) -> None:
    """What SQLite and the store can check of a file."""
    assert raw.rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert raw.rows(path, "PRAGMA foreign_key_check") == []
    assert raw.rows(path, "SELECT count(*) FROM entries_fts_content") == raw.rows(path, "SELECT count(*) FROM entries")
