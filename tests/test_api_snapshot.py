"""The snapshot of what is public: of today, complete, and nothing of the last release breaks in it unannounced."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from api_run import CURRENT, RELEASED, ROOT, broken, outdated
from api_surface.calls import parameters_of
from api_surface.excuses import is_about
from api_surface.lines import printed, read
from api_surface.modules import MODULES
from api_surface.python_names import PythonNames
from api_surface.snapshot import ACCEPTED_BY_ROW, Snapshot, spelled
from api_surface.surface import surface

from rekall import __version__
from rekall.cli.commands import COMMANDS
from rekall.config_keys import KEYS
from rekall.deprecation import register
from rekall.mcp.tools import TOOLS

RECORDED = json.loads((ROOT / "tests" / "data" / "compat" / "python_api_full.json").read_text("utf-8"))
OLDER: dict[str, Any] = RECORDED["modules"] | RECORDED["other_modules"]


@functools.cache
def _today() -> str:
    return surface(ROOT)


@functools.cache
def _names_today() -> str:
    return printed(PythonNames(ROOT).lines())


@functools.cache
def _snapshot() -> Snapshot:
    return Snapshot(_today())


def test_the_snapshot_is_the_surface_of_today() -> None:
    """A change of what is public is a change of that file too, for a person to see."""
    told = outdated(_today(), CURRENT.read_text("utf-8"))
    if told:
        pytest.fail(told, pytrace=False)


def test_nothing_breaks_that_was_not_announced() -> None:
    """Compared with the last release: only what a row of the register let go at this version."""
    told = broken(RELEASED.read_text("utf-8"), _today(), __version__)
    if told:
        pytest.fail(told, pytrace=False)


def test_the_surface_does_not_depend_on_the_run() -> None:
    """Made again by the tool, in another process with another seed of hashes and another locale."""
    environment = {"PATH": "", "PYTHONHASHSEED": "7", "LC_ALL": "C", "COLUMNS": "40", "REKALL_HOME": "/nowhere"}
    code = "import sys; from api_surface.surface import surface; from pathlib import Path; "
    code += "sys.stdout.buffer.write(surface(Path(sys.argv[1])).encode())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)],
        env=environment,
        cwd=ROOT / "tools",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == _today()


def test_every_public_module_is_there_and_says_what_it_is_for() -> None:
    """The table names no module that is gone, and none of its names begins with an underline."""
    for name in MODULES:
        assert importlib.import_module(name).__doc__, name
    assert [name for name in MODULES if re.search(r"\._", name)] == []


@pytest.mark.parametrize("module", [name for name in OLDER if name in MODULES])
def test_what_a_program_for_0_3_imports_is_public(module: str) -> None:
    """Each class, function and constant that 0.3 defined and that is here, under the same name."""
    here = importlib.import_module(module)
    kinds = ("classes", "functions", "constants", "literals", "string_constants_without_value")
    names = [name for kind in kinds for name in OLDER[module].get(kind, ()) if name in vars(here)]
    assert [name for name in names if _snapshot().find(f"{module}.{name}") is None] == []


def test_every_module_of_0_3_that_is_here_is_public() -> None:
    """Whether a program imports it from 0.3 or from this Rekall."""
    here = [name for name in OLDER if (ROOT / name.replace(".", "/")).exists() or _file(name).exists()]
    assert len(here) >= 40
    assert [name for name in here if name not in MODULES] == []


def _file(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def test_what_the_register_advises_is_public() -> None:
    """Nobody is sent from a deprecated name to one that may change any day."""
    advised = {name for row in register().values() for name in re.findall(r"rekall(?:\.\w+)+", row.replacement)}
    assert len(advised) > 20
    assert [name for name in advised if _snapshot().find(name) is None] == []


def test_what_the_pages_import_is_public() -> None:
    """What the guides, and the projects that Rekall writes, tell people to use does not change any day."""
    folders = (ROOT / "docs", ROOT / "rekall" / "templates")
    pages = [
        ROOT / "README.md",
        ROOT / "migration_guide.md",
        *(page for folder in folders for page in folder.glob("*.*")),
    ]
    for_maintainers = {"deprecation-policy.md", "maintainers.md"}
    texts = [page.read_text("utf-8") for page in pages if page.suffix != ".svg" and page.name not in for_maintainers]
    imported = {
        f"{module}.{name.partition(' as ')[0].strip()}"
        for text in texts
        for module, names in re.findall(r"^ *from (rekall[\w.]*) import ([\w, ]+)$", text, re.MULTILINE)
        for name in names.split(",")
    }
    assert {"rekall.infra.reading.refuse_writes", "rekall.capture.new_entry"} <= imported
    assert [name for name in sorted(imported) if _snapshot().find(name) is None] == []


def test_what_rekall_alone_makes_has_no_public_constructor() -> None:
    """The repositories of a base are reached by it; what they are made of may change."""
    assert _snapshot().find("rekall.store.Entries.add") is not None
    assert _snapshot().find("rekall.store.Entries.__init__") is None
    made = _snapshot().find("rekall.db.Database.__init__")
    assert made is not None
    assert made.facts.startswith("(db_path: ")


def test_every_row_speaks_for_something_that_is_public() -> None:
    """A row whose name nothing has would excuse nothing when its time comes."""
    names = {spelled(item) for item, line in _snapshot().lines.items() if line.kind != "row"}
    for item, line in _snapshot().lines.items():
        if line.kind.endswith(("function", "method")):
            names |= {f"{spelled(item)}({name}=)" for name, _ in parameters_of(line.facts)}
    rows = [row.name for row in register().values() if row.kind not in ACCEPTED_BY_ROW]
    assert [row for row in rows if not any(is_about(row, name) for name in names)] == []


def test_what_moved_may_go_when_its_row_is_due() -> None:
    """Every older name that the register alone answers for, deleted with its row; a version before, it may not."""
    older = {row.name: row for row in register().values() if row.target or row.value is not None}
    lines = [line for line in _today().splitlines() if line.partition(": ")[0].removeprefix("deprecated ") not in older]
    without = "\n".join(lines)
    (removal,) = {row.removal for row in older.values()}
    assert len(older) > 40
    assert broken(_today(), without, f"{removal}.0.dev0") == ""
    told = broken(_today(), without, "2.9")
    assert [name for name in older if f"  {name}: is gone" not in told] == []


def test_every_command_key_and_tool_is_there() -> None:
    """Counted where the program declares them."""
    lines = _snapshot().lines
    assert [name for name in COMMANDS if f"$ rekall {name}" not in lines] == []
    assert [key.dotted for key in KEYS if f"config.toml {key.dotted}" not in lines] == []
    for spec in TOOLS:
        schema = spec.input_schema()
        for name in schema.get("properties", {}):
            required = "required=true" in lines[f"mcp {spec.name}({name})"].facts
            assert required == (name in schema.get("required", ()))


@pytest.mark.parametrize(
    ("item", "facts"),
    [
        ("$ rekall --global", 'type="flag"'),
        ("$ rekall -g", "$ rekall --global"),
        ("$ rekall sources inbox add <1>", 'name="url" type="text" required=true'),
        ("$ rekall sources autoscan-config --disabled", 'type="flag" turns_off="--enabled"'),
        ("config.toml backends.cache", 'attribute="cache_backend" default="local" environment="REKALL_CACHE_BACKEND"'),
        ("environment REKALL_HOME", ""),
        ("mcp rekall_add(context)", 'type=["object", "string"]'),
        ("mcp rekall_add(context.solution)", 'type="string" required=true'),
        ("distribution script rekall", "rekall.cli:main"),
        ("distribution group rekall.backends.cache", "rekall.infra.interfaces.CacheBackend"),
        ("deprecated Database.conn", 'since="1.0" removal="3.0"'),
        ("rekall.db.Source", "rekall.models.Source"),
        ("rekall.errors.QueryError", "of rekall.errors.DatabaseError, sqlite3.OperationalError"),
        ("rekall.infra.DatabaseBackend", "rekall.infra.interfaces.DatabaseBackend"),
        ("rekall.infra.interfaces.CacheBackend.set", "(key: str, value: Any, ttl: float | None = None) -> None"),
        ("rekall.infra.interfaces.INTERFACE_VERSION", "int = 1"),
        ("rekall.infra.interfaces.Statement.__init__", "(sql: str, params: Params = (), expect: int | None = None)"),
        ("rekall.db.Database.conn", "sqlite3.Connection | None"),
        ("rekall.errors.GuardFailed.index", "int"),
        ("rekall.store.Store.links", "Links"),
        ("distribution interface 1", ""),
        ("rekall.models.Entry.confidence", "int = 2"),
        ("rekall.models.EntryStatus", "Literal['active', 'obsolete']"),
        ("rekall.transcript.models.TranscriptFormat", "of str, enum.Enum"),
        ("rekall.validators.EntryValidator.__init__", "(*, title: str, content: str = ''"),
        ("rekall.embeddings.EmbeddingModelNotAvailable", "rekall.errors.EmbeddingModelUnavailableError"),
    ],
)
def test_each_kind_of_thing_is_told(item: str, facts: str) -> None:
    """One example of each, as a person would expect it."""
    line = _snapshot().lines[item]
    assert facts in line.facts


def test_signatures_are_those_that_run() -> None:
    """Read from the source, and compared with what Python says: the names in order, and which may be left out."""
    checked = 0
    for item, line in _snapshot().lines.items():
        if line.kind.endswith(("function", "method")):
            checked += 1
            assert parameters_of(line.facts) == _signature(item, line.kind), item
    assert checked > 500


def _signature(item: str, kind: str) -> list[tuple[str, bool]]:
    """The parameters that have a name, as Python tells them, each with whether it has a default."""
    module = next(name for name in sorted(MODULES, key=len, reverse=True) if item.startswith(f"{name}."))
    thing: Any = importlib.import_module(module)
    path = item[len(module) + 1 :].split(".")
    for name in path[:-1] if path[-1] == "__init__" else path:
        thing = inspect.getattr_static(thing, name) if inspect.isclass(thing) else getattr(thing, name)
    if path[-1] == "__init__":
        parameters = list(inspect.signature(thing).parameters.values())
    else:
        function = getattr(thing, "__func__", thing)
        skipped = 1 if kind.endswith("method") and "static" not in kind else 0
        parameters = list(inspect.signature(function).parameters.values())[skipped:]
    named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    return [(each.name, each.default is not each.empty) for each in named]


EDITS = {
    "a parameter is renamed": (
        "db.py",
        "def add_known_domain(self, domain: str,",
        "def add_known_domain(self, name: str,",
        "rekall.db.Database.add_known_domain(domain=): takes it no more",
    ),
    "a function is removed": (
        "urls.py",
        "def normalize_url(",
        "def _normalize_url(",
        "rekall.urls.normalize_url: is gone",
    ),
    "an abstract method is added": (
        "infra/interfaces.py",
        "    @abstractmethod\n    def exists(self, key: str) -> bool:",
        "    @abstractmethod\n    def touch(self, key: str) -> None: ...\n\n"
        "    @abstractmethod\n    def exists(self, key: str) -> bool:",
        "rekall.infra.interfaces.CacheBackend.touch: is a new abstract method, which no class of others has",
    ),
    "an error loses a base": (
        "errors.py",
        "class BackupError(RekallError, RuntimeError):",
        "class BackupError(RekallError):",
        "rekall.errors.BackupError: derives no more from RuntimeError",
    ),
    "a field loses its default": (
        "models/entries.py",
        '    content: str = ""\n',
        "    content: str\n",
        "rekall.models.Entry(content=): requires it",
    ),
    "a name leaves __all__": (
        "exporters.py",
        '    "detect_sensitive_data",\n',
        "",
        "rekall.exporters.detect_sensitive_data: is gone",
    ),
}


@pytest.mark.parametrize("case", EDITS)
def test_a_breaking_edit_of_the_source_is_noticed(case: str, tmp_path: Path) -> None:
    """From the line of a module to the line that says what it breaks."""
    file, old, new, expected = EDITS[case]
    shutil.copytree(ROOT / "rekall", tmp_path / "rekall", ignore=shutil.ignore_patterns("__pycache__"))
    source = (tmp_path / "rekall" / file).read_text("utf-8")
    assert source.count(old) == 1
    (tmp_path / "rekall" / file).write_text(source.replace(old, new), "utf-8")
    after = printed(PythonNames(tmp_path).lines())
    assert expected in broken(_names_today(), after, __version__)


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        (
            {"rekall.urls": ("canonical_url",)},
            "rekall.urls.canonical_url is not there: take it out of the __all__ of the",
        ),
        ({"rekall.shelf": ()}, "rekall.shelf is not there: take it out of tools/api_surface/modules.py"),
    ],
)
def test_a_public_name_that_is_not_there_is_told(modules: dict[str, tuple[str, ...]], told: str) -> None:
    """With the place that still says that it is."""
    with pytest.raises(ValueError, match=re.escape(told)):
        PythonNames(ROOT, modules)


def test_the_files_are_sorted_and_read_as_they_are_written() -> None:
    """Both of them: what is compared is what a person sees."""
    for file in (CURRENT, RELEASED):
        text = file.read_text("utf-8")
        assert printed(read(text).values()) == text
