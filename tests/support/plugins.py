"""Plug-ins as distributions that pip has installed: one that works, and one for each thing that can be wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

_BUILD = """
import os, sys
from pathlib import Path
import hatchling.build
for folder in sys.argv[2:]:
    os.chdir(folder)
    hatchling.build.build_wheel(sys.argv[1])
"""
_RIGHT = """
from rekall.infra import DefaultCacheBackend, DefaultDatabaseBackend


class Database(DefaultDatabaseBackend):
    interface_version = 1


class Cache(DefaultCacheBackend):
    interface_version = 1
"""
_UNREACHABLE = '''
import socket
from pathlib import Path

from rekall.errors import CacheUnavailableError, DatabaseBusyError
from rekall.infra import DefaultCacheBackend, DefaultDatabaseBackend


def ask(port, journal, error):
    """What a driver does first, noting down that it did."""
    with Path(journal).open("a") as file:
        file.write("asked\\n")
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError as refused:
        raise error(f"nothing answers on port {port}") from refused


class Database(DefaultDatabaseBackend):
    interface_version = 1
    options = {"port": int, "journal": str}

    def __init__(self, path, port, journal):
        super().__init__(path)
        self.port, self.journal = port, journal

    def connect(self):
        ask(self.port, self.journal, DatabaseBusyError)


class Cache(DefaultCacheBackend):
    interface_version = 1
    options = {"port": int, "journal": str}

    def __init__(self, port, journal):
        super().__init__()
        self.port, self.journal = port, journal

    def get(self, key, default=None):
        ask(self.port, self.journal, CacheUnavailableError)

    def set(self, key, value, ttl=None):
        ask(self.port, self.journal, CacheUnavailableError)
'''
_UNREADABLE = """
from rekall.infra import DefaultDatabaseBackend


class Meta(type(DefaultDatabaseBackend)):
    @property
    def options(cls):
        return 1 / 0


class Database(DefaultDatabaseBackend, metaclass=Meta):
    interface_version = 1
"""
_FOREIGN_ERRORS = '''
import os

from rekall.infra import DefaultCacheBackend, DefaultDatabaseBackend


class Answer(BaseException):
    """Derives from nothing that anybody expects, and cannot even be shown."""

    def __str__(self):
        raise RuntimeError


def fail():
    errors = {"key": KeyError("rows"), "lines": OSError("two\\nlines"), "exit": SystemExit(7), "unshown": Answer()}
    raise errors[os.environ["FAILS_WITH"]]


class Database(DefaultDatabaseBackend):
    interface_version = 1

    def fetch_all(self, query, params=None):
        fail()

    def fetch_one(self, query, params=None):
        fail()


class Cache(DefaultCacheBackend):
    interface_version = 1

    def get(self, key, default=None):
        fail()
'''


class Project(NamedTuple):
    """What the author of a plug-in writes.

    Args:
        distribution: its name.
        source: of its one module, which has the name of the distribution.
        name: what config selects its back ends by; the name of the distribution if empty.
        classes: the class of each kind; empty where the author forgot to name it.
        version: of the distribution.
    """

    distribution: str
    source: str
    name: str = ""
    classes: Mapping[str, str] = {"database": "Database"}
    version: str = "0.1"

    @property
    def module(self) -> str:
        return self.distribution.replace("-", "_")


def _changed(old: str, new: str) -> str:
    assert old in _RIGHT
    return _RIGHT.replace(old, new)


_BOTH = {"database": "Database", "cache": "Cache"}
PROJECTS = (
    Project("acme", _RIGHT, classes=_BOTH, version="1.5"),
    Project("driverless", "import a_driver_that_nobody_has\n"),
    Project("classless", "VALUE = 1\n"),
    Project("baseless", "class Database:\n    interface_version = 1\n"),
    Project("older", _changed("interface_version = 1", "interface_version = 0")),
    Project("newer", _changed("interface_version = 1", "interface_version = 2")),
    Project("newest", _changed("interface_version = 1", 'interface_version = 2\n    minimum_rekall = "1.4"')),
    Project("wordy", _changed("interface_version = 1", 'interface_version = "one"')),
    Project("unstated", _changed("interface_version = 1", '"""Says nothing."""')),
    Project("twice-a", _RIGHT, name="twice", classes=_BOTH),
    Project("twice-b", _RIGHT, name="twice", version="2.0"),
    Project("slow", "import time\n\ntime.sleep(1.2)\n" + _RIGHT, classes=_BOTH),
    Project("sleeper", "import time\n\ntime.sleep(600)\n" + _RIGHT),
    Project("leaver", "import sys\n\nsys.exit('no licence')\n"),
    Project("quitter", "import os\n\nos._exit(3)\n"),
    Project("crasher", "import os\n\nos.abort()\n"),
    Project(
        "raiser", _changed("interface_version = 1", "interface_version = 1\n\n    def __init__(self):\n        1 / 0")
    ),
    Project(
        "hanger",
        "import time\n" + _changed("= 1", "= 1\n\n    def connect(self):\n        time.sleep(600)"),
    ),
    Project(
        "partial",
        "from rekall.infra import DatabaseBackend\n\n\nclass Database(DatabaseBackend):\n    interface_version = 1\n\n"
        "    def connect(self): ...\n\n    def execute(self, query, params=None): ...\n",
    ),
    Project("nonsense", _RIGHT, classes={"database": ""}),
    Project("with-extras", _RIGHT, classes={"database": "Database [fast]"}),
    Project("unreadable", _UNREADABLE),
    Project("usurper", _RIGHT, name="sqlite"),
    Project("noisy", "import os\n\nprint('{\"answer\": 1}')\nos.write(1, b'noise')\n" + _RIGHT, classes=_BOTH),
    Project(
        "reader",
        "from rekall.errors import ReadOnlyError\n"
        + _changed("= 1", "= 1\n\n    def execute_batch(self, statements):\n        raise ReadOnlyError('read only')"),
    ),
    Project("forgetful", _changed("= 1\n\n\n", "= 1\n\n    def fetch_one(self, query, params=None): ...\n\n\n")),
    Project("unreachable", _UNREACHABLE, classes=_BOTH),
    Project("untranslated", _FOREIGN_ERRORS, classes=_BOTH),
)
"""Each a distribution of its own."""


def install(projects: Iterable[Project], folder: Path) -> Path:
    """Build the wheels of the projects and let pip install them.

    Args:
        projects: what to install.
        folder: where all that is made for it goes.

    Returns:
        The directory that is to be on Python's path.
    """
    places = []
    for project in projects:
        place = folder / project.distribution
        place.mkdir(parents=True)
        (place / f"{project.module}.py").write_text(project.source, encoding="utf-8")
        (place / "pyproject.toml").write_text(_pyproject(project), encoding="utf-8")
        places.append(place)
    wheels, site = folder / "wheels", folder / "site"
    _run("-c", _BUILD, wheels, *places)
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-compile")
    _run("-m", "pip", "install", *quiet, "--target", site, *sorted(wheels.glob("*.whl")))
    return site


def _pyproject(project: Project) -> str:
    lines = [
        "[build-system]",
        'requires = ["hatchling"]',
        'build-backend = "hatchling.build"',
        "[project]",
        f'name = "{project.distribution}"',
        f'version = "{project.version}"',
        "[tool.hatch.build.targets.wheel]",
        f'include = ["{project.module}.py"]',
    ]
    for kind, name in project.classes.items():
        value = f"{project.module}:{name}" if name else project.module
        lines.append(f'[project.entry-points."rekall.backends.{kind}"]')
        lines.append(f'{project.name or project.distribution} = "{value}"')
    return "\n".join([*lines, ""])


def _run(*arguments: str | Path) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
