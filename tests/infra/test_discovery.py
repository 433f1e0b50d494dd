"""Back ends of other distributions: found by entry points, checked against the interface, selected by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.failing import FakeTime
from support.plugins import PROJECTS, Project, install

from rekall.cli.backends.checking import try_in
from rekall.config import Config
from rekall.deprecation import Deprecation, RekallDeprecationWarning
from rekall.errors import ConfigError, DatabaseError
from rekall.infra import DefaultDatabaseBackend, ServiceContainer
from rekall.infra.available import Available, available
from rekall.infra.discovery import Plugin, chosen
from rekall.infra.distributions import installed
from rekall.infra.versions import Supported, check, stated_version
from rekall.paths import PathSource, ResolvedPaths

ROW = Deprecation("interface 1", "interface", "2.0", "4.0", "interface 2 (docs/backends.md)")


@pytest.fixture(autouse=True)
def _no_plugin_stays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test imported of its plug-ins is forgotten: others make projects of the same names."""
    yield
    made = str(tmp_path_factory.getbasetemp())
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(made):
            del sys.modules[name]


@pytest.fixture
def site(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the installed plug-ins, on the path of this process."""
    monkeypatch.syspath_prepend(str(plugins))
    return plugins


def _on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, *projects: Project) -> Path:
    place = install(projects, folder)
    monkeypatch.syspath_prepend(str(place))
    return place


def _config(folder: Path, **settings: Any) -> Config:
    paths = ResolvedPaths(folder, folder, folder / "cache", folder / "knowledge.db", PathSource.DEFAULT)
    return Config(paths=paths, **settings)


def _container(folder: Path, supported: Supported | None = None, **settings: Any) -> ServiceContainer:
    config = _config(folder, **settings)
    return ServiceContainer(config=lambda: config, retry=FakeTime().retry(), supported=supported)


def _rows(found: list[Available], name: str, kind: str = "database") -> list[Available]:
    return [row for row in found if (row.kind, row.name) == (kind, name)]


# finding


def test_what_distributions_bring_is_found_without_importing_any(site: Path) -> None:
    """By kind, sorted by name and distribution, two of one name included."""
    databases, unreadable = installed("database")
    expected = sorted((p.name or p.distribution, p.distribution) for p in PROJECTS if "database" in p.classes)
    assert [(plugin.name, plugin.distribution) for plugin in databases] == expected
    assert unreadable == []
    assert {plugin.name for plugin in installed("cache")[0]} == {
        p.name or p.distribution for p in PROJECTS if "cache" in p.classes
    }
    assert chosen("database", "acme") == Plugin("database", "acme", "acme:Database", "acme", "1.5")
    assert chosen("database", "nobody") is None
    assert "sleeper" not in sys.modules


def test_of_one_distribution_in_two_places_the_first_counts(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for Python's imports: it is no conflict with itself."""
    right = next(project for project in PROJECTS if project.distribution == "acme")
    _on_path(monkeypatch, tmp_path, right._replace(version="1.6"))
    plugin = chosen("database", "acme")
    assert plugin is not None
    assert plugin.version == "1.6"


TORN = {
    "a line without a value": (b"[rekall.backends.database]\ntorn\n", "torn 0.1"),
    "not UTF-8": (b"[rekall.backends.database]\ntorn = \xff:A\n", "a distribution in "),
}


@pytest.mark.parametrize("case", TORN)
def test_a_distribution_that_cannot_be_read_hides_no_other(
    case: str, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told in one line, and also to who selects a name that may be its own."""
    text, what = TORN[case]
    place = _on_path(monkeypatch, tmp_path, Project("torn", ""))
    (place / "torn-0.1.dist-info" / "entry_points.txt").write_bytes(text)
    found, (line,) = installed("database")
    assert "acme" in [plugin.name for plugin in found]
    assert line.startswith(f"the entry points of {what}")
    assert line.endswith("): install it again")
    assert _container(tmp_path, database_backend="acme").selected("database").name == "acme"
    with pytest.raises(ConfigError, match=r"which is not a back end; available: acme,.* the entry points of"):
        _container(tmp_path, database_backend="torn").selected("database")


def test_metadata_that_cannot_be_read_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stands, and not all that stands in it; the same for a distribution without a name."""
    place = _on_path(monkeypatch, tmp_path, Project("torn", ""))
    for metadata in (b"\xff" * 5000, b"Metadata-Version: 2.1\nVersion: 1.0\n"):
        (place / "torn-0.1.dist-info" / "METADATA").write_bytes(metadata)
        found, (line,) = installed("database")
        assert found == []
        assert line.startswith(f"the entry points of a distribution in {place} cannot be read (")
        assert len(line) < 300 + len(str(place))


def test_extras_of_an_entry_point_are_left_to_pip(site: Path) -> None:
    """`package.module:Class [extra]` is an entry point as packaging knows it."""
    plugin = chosen("database", "with-extras")
    assert plugin is not None
    assert plugin.value.endswith(":Database [fast]")
    assert plugin.load().__name__ == "Database"


def test_a_torn_file_without_back_ends_is_nobody_s_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs' entry points are not read."""
    place = _on_path(monkeypatch, tmp_path, Project("torn", ""))
    (place / "torn-0.1.dist-info" / "entry_points.txt").write_text("[console_scripts]\ntorn\n")
    assert installed("database") == ([], [])


# selecting


def test_the_selected_one_alone_is_imported_and_used(site: Path, tmp_path: Path) -> None:
    """With its options, the path, and the wrappers around it."""
    container = _container(tmp_path, database_backend="acme", database_options={"busy_timeout": 1.5})
    backend: Any = container.database()
    try:
        assert type(backend.wrapped).__module__ == "acme"
        assert backend.fetch_one("SELECT 1 AS one") == {"one": 1}
        assert (tmp_path / "knowledge.db").exists()
        assert not {"driverless", "sleeper", "twice_a"} & set(sys.modules)
    finally:
        container.close()


def test_an_option_is_checked_before_anything_connects(site: Path, tmp_path: Path) -> None:
    """An unknown one names the known ones."""
    container = _container(tmp_path, database_backend="hanger", database_options={"busy_time": 1.5})
    with pytest.raises(ConfigError) as caught:
        container.database()
    assert str(caught.value) == (
        f"{tmp_path / 'config.toml'}: backends.database_options.busy_time: unknown option, did you mean busy_timeout? "
        "(known: busy_timeout)"
    )


@pytest.mark.parametrize("options", [["url"], {"url": "text"}])
def test_a_class_that_states_its_options_wrongly_is_refused(options: object, tmp_path: Path) -> None:
    """What it says is used for a check, and so checked itself."""
    wrong = type("Wrong", (DefaultDatabaseBackend,), {"options": options})
    container = _container(tmp_path, database_backend="mine", database_options={"url": "x"})
    container.register("mine", wrong)
    with pytest.raises(ConfigError, match=r"backends.database: the back end mine: its 'options' are not types by"):
        container.database()


def test_what_is_available_is_listed_for_an_unknown_name(site: Path, tmp_path: Path) -> None:
    """Built in, registered and installed; with the distribution that brings a well-known one."""
    container = _container(tmp_path, cache_backend="redis")
    container.register("mine", DefaultDatabaseBackend)
    with pytest.raises(ConfigError) as caught:
        container.cache()
    assert str(caught.value) == (
        f"{tmp_path / 'config.toml'}: backends.cache is 'redis', which is not a back end; available: acme, local, "
        "mine, noisy, slow, twice, unreachable, untranslated; it comes with rekall-server, which is not installed"
    )


def test_built_in_and_registered_names_come_first(site: Path, tmp_path: Path) -> None:
    """`sqlite` stays Rekall's own whatever is installed, and a program's own `acme` is used instead of that of acme."""
    own = _container(tmp_path)
    assert own.selected("database").implementation is DefaultDatabaseBackend
    container = _container(tmp_path, database_backend="acme")
    container.register("acme", DefaultDatabaseBackend)
    assert container.selected("database").implementation is DefaultDatabaseBackend


def test_an_error_of_the_statements_is_not_blamed_on_the_back_end(site: Path, tmp_path: Path) -> None:
    """A batch is read while it is applied: what its maker raises goes through as it is, and nothing is kept."""
    container = _container(tmp_path, database_backend="acme")
    backend = container.database()

    def statements() -> Any:
        yield from ()
        raise KeyError("ours")

    class Again:
        def __iter__(self) -> Any:
            return statements()

    try:
        with pytest.raises(KeyError, match="ours"):
            backend.execute_batch(Again())
    finally:
        container.close()


def test_a_foreign_error_in_a_batch_is_blamed_on_it(tmp_path: Path) -> None:
    """The other way round: the statements were right."""

    class Careless(DefaultDatabaseBackend):
        def execute_batch(self, statements: Any, *, idempotent: bool = False) -> int:
            return len(list(statements)) // 0

    container = _container(tmp_path, database_backend="mine")
    container.register("mine", Careless)
    backend = container.database()
    try:
        with pytest.raises(DatabaseError, match="mine failed in execute_batch: ZeroDivisionError") as caught:
            backend.execute_batch([])
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
    finally:
        container.close()


@pytest.mark.parametrize("method", ["execute", "execute_batch", "fetch_all"])
def test_a_method_without_return_is_found_where_it_is(method: str, tmp_path: Path) -> None:
    """Not where the store looks for a row count."""
    silent = type("Silent", (DefaultDatabaseBackend,), {method: lambda self, *_: None})
    container = _container(tmp_path, database_backend="mine")
    container.register("mine", silent)
    backend = container.database()
    try:
        with pytest.raises(
            DatabaseError, match=f"^the database back end mine failed in {method}: TypeError: it returned"
        ):
            getattr(backend, method)("SELECT 1")
    finally:
        container.close()


def test_errors_that_the_store_tells_apart_stay_as_they_are(site: Path, tmp_path: Path) -> None:
    """A constraint's error says nothing of settings: it is not about them."""
    container = _container(tmp_path, database_backend="acme")
    backend = container.database()
    try:
        backend.execute("CREATE TABLE t (a UNIQUE)")
        backend.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(DatabaseError) as caught:
            backend.execute("INSERT INTO t VALUES (1)")
        assert "selected by" not in str(caught.value)
    finally:
        container.close()


# versions

OLD = Project(
    "aged",
    "from rekall.infra import DefaultDatabaseBackend\n\n\nclass Database(DefaultDatabaseBackend):\n"
    '    """Written long ago."""\n\n    interface_version = 1\n',
)
RANGES: Mapping[str, Supported] = {
    "works": Supported(1, 2, {1: "1.0", 2: "2.0"}),
    "warns": Supported(1, 2, {1: "1.0", 2: "2.0"}, {1: ROW}),
    "refused": Supported(2, 3, {1: "1.0", 2: "2.0", 3: "3.0"}),
}
"""An old plug-in under the Rekalls to come."""


@pytest.fixture
def aged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module of an installed plug-in for version 1, forgotten by Python afterwards."""
    place = _on_path(monkeypatch, tmp_path / "aged", OLD)
    monkeypatch.delitem(sys.modules, "aged", raising=False)
    return place / "aged.py"


def test_an_old_plugin_works_while_its_version_is_taken(aged: Path, tmp_path: Path) -> None:
    """Without a warning, warnings being errors here."""
    container = _container(tmp_path, RANGES["works"], database_backend="aged")
    assert container.database().fetch_one("SELECT 1 AS one") == {"one": 1}
    container.close()


def test_an_old_plugin_works_with_a_warning_through_its_window(aged: Path, tmp_path: Path) -> None:
    """At the line of its author that has to change, with the row of the register."""
    container = _container(tmp_path, RANGES["warns"], database_backend="aged")
    with pytest.warns(RekallDeprecationWarning, match=r"deprecated since Rekall 2\.0 and goes in 4\.0") as caught:
        assert container.database().fetch_one("SELECT 1 AS one") == {"one": 1}
    container.close()
    (warning,) = caught
    assert isinstance(warning.message, RekallDeprecationWarning)
    assert warning.message.row == ROW
    assert Path(warning.filename).samefile(aged)
    line = aged.read_text().splitlines()[warning.lineno - 1]
    assert line == "    interface_version = 1"


def test_an_old_plugin_is_refused_afterwards(aged: Path, tmp_path: Path) -> None:
    """Before it is made, with the versions and the least to install."""
    container = _container(tmp_path, RANGES["refused"], database_backend="aged")
    with pytest.raises(ConfigError) as caught:
        container.database()
    assert str(caught.value) == (
        f"{tmp_path / 'config.toml'}: backends.database: the database back end aged of aged 0.1 was written for "
        "interface 1, this Rekall takes 2 to 3: install a version of it for interface 2 or later (Rekall 2.0 or later)"
    )
    assert not (tmp_path / "knowledge.db").exists()


@pytest.mark.parametrize("case", RANGES)
def test_the_list_tells_what_becomes_of_an_old_plugin(case: str, aged: Path, tmp_path: Path) -> None:
    """That it loads, that its version goes, that it is refused: beforehand, for who does not select it yet."""
    found, _ = available(_config(tmp_path), {}, RANGES[case])
    (row,) = _rows(found, "aged")
    refused = (
        "it was written for interface 1, this Rekall takes 2 to 3: install a version of it for interface 2 or later"
    )
    assert row.interface == 1
    assert (row.problem or "").startswith(refused if case == "refused" else "")
    assert (row.problem is None) == (case != "refused")
    goes = f"{ROW.name} is deprecated since Rekall 2.0 and goes in 4.0: use {ROW.replacement}"
    assert list(row.notes) == ([goes] if case == "warns" else [])


def test_the_check_and_the_doctor_tell_of_an_old_plugin(aged: Path, tmp_path: Path) -> None:
    """What they do in a child process finds that its version goes, and makes no warning of it there."""
    config = _config(tmp_path, database_backend="aged")
    container = ServiceContainer(config=lambda: config, supported=RANGES["warns"])
    steps: list[str] = []
    found = try_in(container, steps.append, "database", config, str(tmp_path), False)
    assert found["warnings"] == [f"{ROW.name} is deprecated since Rekall 2.0 and goes in 4.0: use {ROW.replacement}"]
    assert steps[0] == "while it was imported"


def test_a_class_without_its_source_warns_where_it_is(tmp_path: Path) -> None:
    """A distribution may bring no more than compiled code, or make its class at run time."""
    namespace: dict[str, Any] = {"__name__": "made_at_run_time", "DefaultDatabaseBackend": DefaultDatabaseBackend}
    exec("class Made(DefaultDatabaseBackend):\n    interface_version = 1\n", namespace)  # noqa: S102  # what a class without source is
    with pytest.warns(RekallDeprecationWarning) as caught:
        check(namespace["Made"], "it", RANGES["warns"], stated=True)
    assert (caught[0].filename, caught[0].lineno) == ("made_at_run_time", 1)


def test_a_version_counts_where_an_author_states_it() -> None:
    """In a base class of their own too, and not where it is only inherited from Rekall."""
    stating = type("Stating", (DefaultDatabaseBackend,), {"interface_version": 1, "__module__": "acme.base"})
    derived = type("Derived", (stating,), {"__module__": "acme.more"})
    check(derived, "it", Supported(), stated=True)
    assert stated_version(derived) == 1
    unstated = type("Unstated", (DefaultDatabaseBackend,), {"__module__": "acme.more"})
    assert stated_version(unstated) is None
    with pytest.raises(ConfigError, match="give it 'interface_version = 1'"):
        check(unstated, "it", Supported(), stated=True)
    check(unstated, "it", Supported())  # a program that registers a class of its own is of this version


# the list


def test_the_list_has_each_with_what_keeps_it_from_being_used(site: Path, tmp_path: Path) -> None:
    """The good ones load beside those that hang and crash; hidden and doubled ones are told as such."""
    found, unreadable = available(_config(tmp_path, cache_backend="acme"), {}, timeout=8)
    assert unreadable == []
    loads = {row.name for row in found if row.problem is None}
    good = {"sqlite", "local", "acme", "hanger", "noisy", "raiser", "reader", "forgetful", "slow", "twice"}
    assert loads == good | {"unreachable", "unreadable", "untranslated", "with-extras"}
    problems = {row.name: row.problem for row in found if row.problem is not None}
    assert problems["driverless"] == (
        "driverless:Database cannot be imported: ModuleNotFoundError: No module named 'a_driver_that_nobody_has'"
    )
    assert problems["older"] == (
        "it was written for interface 0, this Rekall takes 1: install a version of it for interface 1 or later "
        "(Rekall 1.0 or later)"
    )
    assert problems["sleeper"] == "no answer within 8 s while it was imported"
    assert problems["crasher"] == "it crashed Python (SIGABRT) while it was imported"
    assert problems["quitter"] == "it ended Python with the status 3 while it was imported"
    (slow,) = _rows(found, "slow")
    assert [note.partition(":")[0] for note in slow.notes] == ["slow import"]
    ours, hidden = _rows(found, "sqlite")
    assert (ours.origin, ours.clash, ours.setting) == ("built in", None, "default")
    assert (hidden.distribution, hidden.clash, hidden.setting) == (
        "usurper",
        "hidden by the one of that name that is built in",
        None,
    )
    assert [(row.distribution, row.clash) for row in _rows(found, "twice")] == [
        ("twice-a", "also brought by twice-b 2.0: uninstall all but one"),
        ("twice-b", "also brought by twice-a 0.1: uninstall all but one"),
    ]
    assert [row.clash for row in _rows(found, "twice", "cache")] == [None]
    interfaces = {row.name: row.interface for row in found}
    assert (interfaces["older"], interfaces["newer"], interfaces["unstated"]) == (0, 2, None)
    assert [(row.name, row.kind) for row in found if row.setting] == [("sqlite", "database"), ("acme", "cache")]


def test_the_list_has_what_this_process_registered(tmp_path: Path) -> None:
    """Under a name, or for good under that of its kind; a name that nothing brings is listed as missing."""

    class Unfinished(DefaultDatabaseBackend):
        interface_version = 7

    registered = {"mine": DefaultDatabaseBackend, "sqlite": DefaultDatabaseBackend, "later": Unfinished}
    found, _ = available(_config(tmp_path, database_backend="mine", cache_backend="redis"), registered)
    (mine,) = _rows(found, "mine")
    assert (mine.origin, mine.problem, mine.interface) == ("registered", None, 1)
    (later,) = _rows(found, "later")
    assert (later.problem or "").startswith("it was written for interface 7, this Rekall takes 1")
    clashes = {row.origin: row.clash for row in _rows(found, "sqlite")}
    assert clashes == {"registered": None, "built in": "hidden by the one of that name that is registered"}
    (missing,) = _rows(found, "redis", "cache")
    assert missing.problem == "nothing that is installed brings it; it comes with rekall-server"
    replaced, _ = available(_config(tmp_path), {"database": DefaultDatabaseBackend})
    assert [row.name for row in replaced if row.kind == "database" and row.setting == "registered in this process"] == [
        "database"
    ]
