"""The container: which back end is resolved, when it is opened, who shares it and who closes it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support import processes
from support.failing import FailingCache, FailingDatabase, FakeTime

from rekall import config as configuration
from rekall.config import Config
from rekall.db import Database
from rekall.deprecation import RekallDeprecationWarning
from rekall.errors import ClosedError, ConfigError, DatabaseBusyError, DatabaseError, RekallError
from rekall.infra import (
    CacheBackend,
    DatabaseBackend,
    DefaultCacheBackend,
    DefaultDatabaseBackend,
    ServiceContainer,
    get_cache,
    get_database,
    has_backend,
    register_backend,
)
from rekall.paths import PathSource, ResolvedPaths


class Plain(FailingDatabase):
    """A back end without files that keeps book of its connecting and closing, in the order of all its instances."""

    journal: ClassVar[list[str]] = []

    def __init__(self, name: str = "plain", *, closing: Exception | None = None) -> None:
        super().__init__()
        self.name = name
        self.closing = closing
        self.connected = False

    def connect(self) -> None:
        self.connected = True
        self.journal.append(f"connect {self.name}")

    def close(self) -> None:
        self.connected = False
        self.journal.append(f"close {self.name}")
        if self.closing is not None:
            raise self.closing

    def is_connected(self) -> bool:
        return self.connected


class Placed(Plain):
    """The same for one file."""

    def __init__(self, path: Path, *, closing: Exception | None = None) -> None:
        super().__init__(path.name, closing=closing)
        self.path = path


class WithOptions(Plain):
    """One that states what it takes."""

    options: ClassVar[Any] = {"url": str, "timeout": float, "size": int, "tls": bool}

    def __init__(self, url: str, timeout: float = 1.0, size: int = 1, tls: bool = False) -> None:
        super().__init__(url)
        self.given = (url, timeout, size, tls)


@pytest.fixture(autouse=True)
def _journal() -> Iterator[None]:
    Plain.journal.clear()
    yield
    Plain.journal.clear()


def _config(tmp_path: Path, **settings: Any) -> Config:
    named = settings.pop("database_named", False)
    paths = ResolvedPaths(
        tmp_path,
        tmp_path,
        tmp_path / "cache",
        tmp_path / "knowledge.db",
        PathSource.DEFAULT,
        origins={"database": "environment REKALL_DB_PATH" if named else "platform"},
        database_named=named,
    )
    return Config(paths=paths, **settings)


def _container(tmp_path: Path, **settings: Any) -> ServiceContainer:
    config = _config(tmp_path, **settings)
    return ServiceContainer(config=lambda: config, retry=FakeTime().retry())


def _inner(backend: DatabaseBackend | CacheBackend) -> Any:
    """The back end inside its wrappers."""
    return backend.wrapped  # type: ignore[union-attr]  # every resolved back end has it, the interface does not


# resolving


def test_nothing_happens_before_something_is_asked_for(tmp_path: Path) -> None:
    """Registering and making a container read no configuration, make no back end and open no file."""
    asked: list[str] = []

    def config() -> Config:
        asked.append("config")
        return _config(tmp_path)

    container = ServiceContainer(config=config)
    container.register("database", Placed)
    assert (asked, Plain.journal, list(tmp_path.iterdir())) == ([], [], [])
    container.database(tmp_path / "a.db")
    assert (asked, Plain.journal) == (["config"], ["connect a.db"])
    container.close()


def test_the_defaults_are_a_sqlite_file_and_a_local_cache(tmp_path: Path) -> None:
    """At the configured path, made when missing."""
    container = _container(tmp_path)
    assert isinstance(_inner(container.database()), DefaultDatabaseBackend)
    assert (tmp_path / "knowledge.db").exists()
    assert isinstance(_inner(container.cache()), DefaultCacheBackend)
    assert (container.selected("database").name, container.selected("cache").name) == ("sqlite", "local")
    container.close()


def test_importing_creates_registers_and_filters_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`import rekall.infra` leaves the directory, the warning filters, the loggers and the container alone."""
    monkeypatch.setenv("REKALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    printed = processes.run(
        "import logging, threading, warnings\n"
        "before = (list(warnings.filters), logging.root.handlers[:], threading.active_count())\n"
        "import rekall.infra, rekall.db, rekall.cache\n"
        "print(before == (list(warnings.filters), logging.root.handlers[:], threading.active_count()))\n"
        "print(rekall.infra.ServiceContainer._instance, rekall.config._config)\n"
    )
    assert printed == "True\nNone None\n"
    assert list(tmp_path.iterdir()) == []


def test_eight_threads_resolve_once(tmp_path: Path) -> None:
    """Whoever asks first makes it; the others wait and get the same, and each counts as a user."""
    container = _container(tmp_path)
    container.register("database", Placed)
    container.register("cache", FailingCache)
    barrier = threading.Barrier(8)
    got: list[tuple[DatabaseBackend, CacheBackend]] = []

    def resolve() -> None:
        barrier.wait()
        got.append((container.database(tmp_path / "a.db"), container.cache()))

    threads = [threading.Thread(target=resolve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, [database for database, _ in got]))) == 1
    assert len(set(map(id, [cache for _, cache in got]))) == 1
    assert Plain.journal == ["connect a.db"]
    for database, _ in got[:-1]:
        container.release(database)
    assert Plain.journal == ["connect a.db"]
    container.release(got[-1][0])
    assert Plain.journal == ["connect a.db", "close a.db"]


def test_a_busy_back_end_is_connected_with_retry(tmp_path: Path) -> None:
    """Connecting goes through the wrappers as every call does."""

    class Late(FailingDatabase):
        def is_connected(self) -> bool:
            return False

    container = _container(tmp_path)
    backend = Late([DatabaseBusyError("1"), DatabaseBusyError("2")])
    container.register("database", backend)
    container.database()
    assert backend.script.calls == ["connect"] * 3
    container.close()


def test_a_back_end_that_cannot_connect_is_not_kept(tmp_path: Path) -> None:
    """The next who asks tries again."""

    class Unlucky(FailingDatabase):
        def is_connected(self) -> bool:
            return False

    container = _container(tmp_path)
    container.register("database", Unlucky([DatabaseError("no")]))
    with pytest.raises(DatabaseError, match="no"):
        container.database()
    container.database()
    container.close()


# sharing and closing


def test_one_back_end_for_each_file_whatever_its_spelling(tmp_path: Path) -> None:
    """Relative parts and symbolic links lead to the same open file; another file is another back end."""
    container = _container(tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "a.db")
    one = container.database(tmp_path / "a.db")
    assert container.database(tmp_path / "deep" / ".." / "a.db") is one
    assert container.database(tmp_path / "link.db") is one
    assert container.database(tmp_path / "b.db") is not one
    container.close()


def test_the_last_user_closes(tmp_path: Path) -> None:
    """Two `Database` objects on one file share a connection; it lives as long as one of them."""
    container = ServiceContainer()
    first, second = (Database(tmp_path / "a.db", container=container) for _ in range(2))
    first.init()
    second.init()
    backend = container.database(tmp_path / "a.db")
    container.release(backend)
    first.close()
    assert backend.is_connected()
    second.close()
    assert not backend.is_connected()
    with pytest.raises(ClosedError):
        backend.fetch_one("SELECT 1")


def test_an_open_back_end_that_was_registered_is_left_open(tmp_path: Path) -> None:
    """Whoever opened it closes it; one that was not open is ours to close."""
    container = _container(tmp_path)
    theirs, ours = Plain("theirs"), Plain("ours")
    theirs.connect()
    container.register("database", theirs)
    container.release(container.database())
    container.database()
    container.close()
    assert theirs.connected
    container.register("database", ours)
    container.release(container.database())
    assert not ours.connected


def test_closing_goes_in_reverse_order_and_once(tmp_path: Path) -> None:
    """Last opened, first closed; a second call does nothing, and giving back afterwards does nothing either."""
    container = _container(tmp_path)
    container.register("database", Placed)
    backends = [container.database(tmp_path / name) for name in ("a.db", "b.db", "c.db")]
    Plain.journal.clear()
    container.close()
    container.close()
    container.release(backends[0])
    assert Plain.journal == ["close c.db", "close b.db", "close a.db"]


def test_all_failures_to_close_are_raised_together(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One that fails keeps no other open: all are tried, all failures are named and logged."""
    container = _container(tmp_path)

    def make(path: Path) -> Placed:
        closing = {"a.db": DatabaseError("a failed"), "b.db": None, "c.db": OSError("c failed")}[path.name]
        return Placed(path, closing=closing)

    container.register("database", make)
    for name in ("a.db", "b.db", "c.db"):
        container.database(tmp_path / name)
    Plain.journal.clear()
    with caplog.at_level("DEBUG"), pytest.raises(RekallError, match=r"^not closed: c failed; a failed$"):
        container.close()
    assert Plain.journal == ["close c.db", "close b.db", "close a.db"]
    assert len(caplog.records) == 2
    container.close()


def test_resetting_closes_and_forgets(tmp_path: Path) -> None:
    """After `reset` the defaults are back, also when closing failed."""
    container = _container(tmp_path)
    container.register("database", Plain("x", closing=DatabaseError("stuck")))
    container.register("cache", FailingCache())
    container.database()
    with pytest.raises(RekallError, match="stuck"):
        container.reset()
    assert isinstance(_inner(container.database()), DefaultDatabaseBackend)
    assert isinstance(_inner(container.cache()), DefaultCacheBackend)
    container.reset()


def test_the_container_of_the_process_is_one_until_it_is_reset() -> None:
    """`reset_instance` closes what it opened and starts with nothing registered."""
    first = ServiceContainer.get_instance()
    assert ServiceContainer.get_instance() is first
    backend = Plain()
    register_backend("database", backend)
    get_database()
    assert backend.connected
    ServiceContainer.reset_instance()
    assert not backend.connected
    assert ServiceContainer.get_instance() is not first
    assert isinstance(_inner(get_database()), DefaultDatabaseBackend)


# registering


def _instance() -> Any:
    return Plain()


def _factory() -> Callable[[], Plain]:
    return lambda: Plain("made")


@pytest.mark.parametrize("implementation", [_instance(), Plain, _factory()], ids=["instance", "class", "factory"])
def test_an_instance_a_class_or_a_factory_can_be_registered(implementation: Any, tmp_path: Path) -> None:
    """All three give a working back end."""
    container = _container(tmp_path)
    container.register("database", implementation)
    assert isinstance(_inner(container.database()), Plain)
    container.close()


def test_registering_database_and_cache_replaces_at_once(tmp_path: Path) -> None:
    """As in 0.3: whoever asks next gets the new one; whoever has the old one keeps it."""
    register_backend("database", Plain("old"))
    register_backend("cache", FailingCache())
    old, old_cache = get_database(), get_cache()
    register_backend("database", Plain("new"))
    register_backend("cache", FailingCache())
    assert _inner(get_database()).name == "new"
    assert _inner(old).name == "old"
    assert get_cache() is not old_cache


@pytest.mark.parametrize("name", ["path", "db_path"])
def test_a_class_or_factory_is_given_the_path(name: str, tmp_path: Path) -> None:
    """As `path`, or as `db_path` if that is its name for it."""
    factories: dict[str, Callable[..., Plain]] = {
        "path": lambda path: Plain(str(path)),
        "db_path": lambda db_path: Plain(str(db_path)),
    }
    container = _container(tmp_path)
    container.register("database", factories[name])
    assert _inner(container.database(tmp_path / "a.db")).name == str(tmp_path / "a.db")
    container.close()


def test_a_registered_instance_is_used_whatever_the_path(tmp_path: Path) -> None:
    """`Database(path)` runs on it unchanged, and so does a path that the environment names."""
    container = _container(tmp_path, database_named=True)
    backend = Plain()
    container.register("database", backend)
    assert _inner(container.database(tmp_path / "a.db")) is backend
    assert _inner(container.database(tmp_path / "b.db")) is backend
    assert _inner(container.database()) is backend
    container.close()


def test_only_a_named_file_is_refused_by_a_configured_back_end_without_files(tmp_path: Path) -> None:
    """A file that a flag or variable names cannot be honoured there; a home or a program's own path is ignored."""
    container = _container(tmp_path, database_named=True, database_backend="plain")
    container.register("plain", Plain)
    with pytest.raises(ConfigError) as caught:
        container.database()
    assert str(caught.value) == (
        f"environment REKALL_DB_PATH names {tmp_path / 'knowledge.db'}, but {tmp_path / 'config.toml'} selects the "
        "database back end plain, which has no file to choose: take back one of the two"
    )
    container.database(tmp_path / "a.db")
    container.close()
    unnamed = _container(tmp_path, database_backend="plain")
    unnamed.register("plain", Plain)
    unnamed.database()
    unnamed.close()


def test_the_environment_names_a_file_or_only_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REKALL_DB_PATH names the file; REKALL_HOME, which is set for every test, does not."""
    config = configuration.get_config()
    config.database_backend = "plain"
    register_backend("plain", Plain)
    get_database()
    ServiceContainer.reset_instance()
    configuration.reset_config()

    monkeypatch.delenv("REKALL_HOME")
    monkeypatch.setenv("REKALL_DB_PATH", str(tmp_path / "a.db"))
    configuration.get_config().database_backend = "plain"
    register_backend("plain", Plain)
    with pytest.raises(ConfigError, match="environment REKALL_DB_PATH names"):
        get_database()


def test_names_are_known_once_they_are_registered() -> None:
    """`has_backend` tells what `get` would find; `database` and `cache` always."""
    container = ServiceContainer.get_instance()
    assert (has_backend("database"), has_backend("cache"), has_backend("mine")) == (True, True, False)
    with pytest.raises(KeyError, match="mine is not registered"):
        container.get("mine")
    register_backend("mine", Plain)
    assert has_backend("mine")
    assert container.get("mine") is Plain
    assert container.get("cache") is get_cache()
    assert container.get("database") is get_database()


def test_the_old_keyword_warns_at_the_caller_s_line_and_works() -> None:
    """`register_backend(name, backend=...)` is how some code for 0.3 spells it."""
    cache = FailingCache()
    with pytest.warns(RekallDeprecationWarning, match=r"register_backend\(backend=\)") as caught:
        register_backend("cache", backend=cache)
    assert caught[0].filename == __file__
    assert _inner(get_cache()) is cache


@pytest.mark.parametrize("arguments", [{}, {"implementation": Plain, "backend": Plain}])
def test_one_implementation_is_registered_not_none_and_not_two(arguments: dict[str, Any]) -> None:
    """Neither is silently ignored."""
    with pytest.raises(TypeError, match="implementation"):
        register_backend("database", **arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(_inner(get_database()), DefaultDatabaseBackend)


def test_a_falsy_back_end_is_a_back_end() -> None:
    """A cache may have a length, and be empty."""

    class Sized(FailingCache):
        def __len__(self) -> int:
            return 0

    register_backend("cache", Sized())
    assert isinstance(_inner(get_cache()), Sized)


# selecting by configuration


def test_config_selects_by_name_and_gives_options(tmp_path: Path) -> None:
    """Each option arrives as a keyword; an integer is good enough for a number."""
    options = {"url": "x://y", "timeout": 2, "size": 3, "tls": True}
    container = _container(tmp_path, database_backend="mine", database_options=options)
    container.register("mine", WithOptions)
    assert _inner(container.database()).given == ("x://y", 2, 3, True)
    assert container.selected("database").name == "mine"
    container.close()


def test_a_cache_is_selected_the_same_way(tmp_path: Path) -> None:
    """With its own table of options, here those of the built-in one."""
    container = _container(tmp_path, cache_options={"max_size": 1})
    cache = container.cache()
    cache.set("a", 1)
    cache.set("b", 2)
    assert (cache.exists("a"), cache.exists("b")) == (False, True)


def test_a_selected_back_end_can_be_in_the_file(tmp_path: Path) -> None:
    """The whole way from config.toml to the back end."""
    home = configuration.get_config().config_dir
    home.mkdir(parents=True)
    (home / "config.toml").write_text('[backends]\ndatabase = "mine"\n[backends.database_options]\nurl = "x://y"\n')
    configuration.reset_config()
    register_backend("mine", WithOptions)
    assert _inner(get_database()).given == ("x://y", 1.0, 1, False)


def _takes_anything(**options: Any) -> Plain:
    return Plain(str(sorted(options)))


def test_a_factory_that_takes_anything_is_given_anything(tmp_path: Path) -> None:
    """Without a statement of options only the signature speaks."""
    container = _container(tmp_path, database_backend="mine", database_options={"b": 1, "a": 2})
    container.register("mine", _takes_anything)
    assert _inner(container.database()).name == "['a', 'b']"
    container.close()


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "unknown name": (
        None,
        {},
        "backends.database is 'mine', which is not a back end; available: sqlite; or install what brings it",
    ),
    "unknown option": (
        WithOptions,
        {"url": "x", "time_out": 1},
        "backends.database_options.time_out: unknown option, did you mean timeout? (known: size, timeout, tls, url)",
    ),
    "option of a class that states none": (
        Placed,
        {"colour": 1},
        "backends.database_options.colour: unknown option (known: closing)",
    ),
    "the path is no option": (
        Placed,
        {"path": "x"},
        "backends.database_options.path: unknown option (known: closing)",
    ),
    "missing option": (
        WithOptions,
        {},
        "backends.database_options: the back end mine cannot be made: missing a required argument: 'url'",
    ),
    "text for a number": (
        WithOptions,
        {"url": "x", "timeout": "soon"},
        "backends.database_options.timeout is text, a number is needed; correct the line or remove it",
    ),
    "a boolean for a number": (
        WithOptions,
        {"url": "x", "size": True},
        "backends.database_options.size is a boolean, an integer is needed; correct the line or remove it",
    ),
    "a number for a boolean": (
        WithOptions,
        {"url": "x", "tls": 1},
        "backends.database_options.tls is an integer, a boolean is needed; correct the line or remove it",
    ),
    "options for an instance": (
        Plain(),
        {"url": "x"},
        "backends.database_options: the back end mine is registered as an instance, which takes no options",
    ),
    "a cache": (
        FailingCache,
        {},
        "backends.database: the back end mine is a FailingCache, not a DatabaseBackend",
    ),
    "no back end at all": (
        "text",
        {},
        "backends.database_options: the back end mine cannot be made: 'text' is not a callable object",
    ),
    "a value that the back end refuses": (
        DefaultDatabaseBackend,
        {"busy_timeout": 11},
        "backends.database_options: busy_timeout is 11: give seconds from 0 to 10",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_with_the_file_the_key_and_what_is_known(case: str, tmp_path: Path) -> None:
    """Before anything is opened, and never by falling back to another back end."""
    implementation, options, message = REFUSED[case]
    container = _container(tmp_path, database_backend="mine", database_options=options)
    if implementation is not None:
        container.register("mine", implementation)
    with pytest.raises(ConfigError) as caught:
        container.database()
    assert str(caught.value) == f"{tmp_path / 'config.toml'}: {message}"
    assert (Plain.journal, list(tmp_path.iterdir())) == ([], [])


def test_available_names_are_listed(tmp_path: Path) -> None:
    """The built-in ones and the registered ones; `database` and `cache` are no names of back ends."""
    container = _container(tmp_path, cache_backend="rediss")
    container.register("mine", FailingCache)
    container.register("database", Plain)
    with pytest.raises(
        ConfigError, match=r"backends\.cache is 'rediss', which is not a back end; available: local, mine; or install"
    ):
        container.cache()


def test_what_is_registered_for_a_kind_must_be_of_that_kind(tmp_path: Path) -> None:
    """Said without the file, which has no part in it."""
    container = _container(tmp_path)
    container.register("database", FailingCache())
    with pytest.raises(ConfigError, match=r"^the back end database is a FailingCache, not a DatabaseBackend$"):
        container.database()


def test_a_broken_back_end_that_is_not_selected_breaks_nothing(tmp_path: Path) -> None:
    """Only the chosen one is made."""

    def broken() -> Plain:
        raise RuntimeError("broken")

    container = _container(tmp_path)
    container.register("other", broken)
    assert container.database().fetch_one("SELECT 1 AS one") == {"one": 1}
    container.close()


def test_a_cache_s_path_is_an_option(tmp_path: Path) -> None:
    """The database file is none of its business; what it calls `path` is configured."""

    class Kept(FailingCache):
        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    container = _container(tmp_path, cache_backend="kept", cache_options={"path": "folder"})
    container.register("kept", Kept)
    assert _inner(container.cache()).path == "folder"
