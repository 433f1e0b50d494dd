"""Where the files go: the order of the rules, what each rule decides, and who may read what is created."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from rekall.errors import ConfigError
from rekall.paths import (
    APP_NAME,
    MigrationInfo,
    PathResolver,
    PathSource,
    ResolvedPaths,
    check_legacy_migration,
    init_local_project,
    legacy_paths,
    perform_migration,
)

VARIABLES = ("REKALL_HOME", "REKALL_DB_PATH", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with an empty home directory, working in an empty directory beside it."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    return home


def write_user_config(home: Path, text: str) -> Path:
    file = home / ".config" / APP_NAME / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_default_places_are_those_of_the_platform(home: Path) -> None:
    """With nothing set, Linux and macOS use the same three directories under the home directory."""
    paths = PathResolver.resolve()
    assert paths == ResolvedPaths(
        config_dir=home / ".config/rekall",
        data_dir=home / ".local/share/rekall",
        cache_dir=home / ".cache/rekall",
        db_path=home / ".local/share/rekall/knowledge.db",
        source=PathSource.DEFAULT,
    )
    assert [paths.origin(name) for name in ("config", "data", "cache", "database")] == ["default"] * 4


def test_the_platform_functions_can_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.3's tests and packagers patch user_config_dir and user_data_dir of the module."""
    monkeypatch.setattr("rekall.paths.user_config_dir", lambda app: str(tmp_path / "c" / app))
    monkeypatch.setattr("rekall.paths.user_data_dir", lambda app: str(tmp_path / "d" / app))
    paths = PathResolver._from_default()
    assert (paths.config_dir, paths.data_dir) == (tmp_path / "c/rekall", tmp_path / "d/rekall")


def test_each_rule_beats_those_after_it(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking the rules away one by one reveals the next one of the documented order."""
    monkeypatch.setenv("REKALL_HOME", str(tmp_path / "env"))
    monkeypatch.setenv("REKALL_DB_PATH", str(tmp_path / "env.db"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    project = Path.cwd() / ".rekall"
    project.mkdir()
    config = write_user_config(home, f'data_dir = "{tmp_path / "data"}"')

    def database() -> tuple[PathSource, Path]:
        paths = PathResolver.resolve()
        return paths.source, paths.db_path

    assert PathResolver.resolve(tmp_path / "cli.db").db_path == tmp_path / "cli.db"
    assert database() == (PathSource.ENV, tmp_path / "env/knowledge.db")
    monkeypatch.delenv("REKALL_HOME")
    assert database() == (PathSource.ENV, tmp_path / "env.db")
    monkeypatch.delenv("REKALL_DB_PATH")
    assert database() == (PathSource.LOCAL, project / "knowledge.db")
    project.rmdir()
    assert database() == (PathSource.CONFIG, tmp_path / "data/knowledge.db")
    config.unlink()
    assert database() == (PathSource.XDG, tmp_path / "xdg/rekall/knowledge.db")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert database() == (PathSource.DEFAULT, home / ".local/share/rekall/knowledge.db")


def test_an_argument_leaves_the_other_places_to_the_platform(home: Path, tmp_path: Path) -> None:
    """A database alone, or a config alone, moves only what belongs to it."""
    by_db = PathResolver._from_cli(tmp_path / "x" / "my.db", None)
    assert by_db is not None
    assert (by_db.source, by_db.db_path, by_db.data_dir) == (PathSource.CLI, tmp_path / "x/my.db", tmp_path / "x")
    assert by_db.config_dir == home / ".config/rekall"
    assert by_db.cache_dir == home / ".cache/rekall"
    by_directory = PathResolver._from_cli(None, tmp_path)
    by_file = PathResolver._from_cli(None, tmp_path / "config.toml")
    assert by_directory is not None
    assert by_directory == by_file
    assert by_directory.config_dir == tmp_path
    assert by_directory.db_path == home / ".local/share/rekall/knowledge.db"
    assert PathResolver._from_cli(None, None) is None


def test_rekall_home_holds_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REKALL_HOME is config and data directory, with the cache below it; the variable is the origin."""
    monkeypatch.setenv("REKALL_HOME", str(tmp_path / "all"))
    paths = PathResolver.resolve()
    assert paths.config_dir == paths.data_dir == tmp_path / "all"
    assert paths.cache_dir == tmp_path / "all/cache"
    assert paths.origin("cache") == "environment REKALL_HOME"


def test_rekall_home_needs_no_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container user without a home directory can work with REKALL_HOME, and is told so without it."""

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(ConfigError, match="set HOME, or REKALL_HOME"):
        PathResolver.resolve()
    monkeypatch.setenv("REKALL_HOME", str(tmp_path))
    assert PathResolver.resolve().db_path == tmp_path / "knowledge.db"


def test_rekall_db_path_moves_the_database_only(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Config and cache stay at the platform places, even with XDG variables."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("REKALL_DB_PATH", str(tmp_path / "d" / "k.db"))
    paths = PathResolver.resolve()
    assert (paths.db_path, paths.data_dir) == (tmp_path / "d/k.db", tmp_path / "d")
    assert (paths.config_dir, paths.cache_dir) == (home / ".config/rekall", home / ".cache/rekall")
    assert (paths.origin("database"), paths.origin("config")) == ("environment REKALL_DB_PATH", "default")


@pytest.mark.parametrize("variable", ["REKALL_HOME", "REKALL_DB_PATH"])
def test_an_empty_variable_counts_as_set(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.3 took an empty value for the current directory, and so do we."""
    monkeypatch.setenv(variable, "")
    paths = PathResolver.resolve()
    assert (paths.source, paths.data_dir) == (PathSource.ENV, Path())


def test_a_tilde_in_a_variable_is_the_home_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that no shell expanded still means the home directory; an unknown user is named."""
    monkeypatch.setenv("REKALL_HOME", "~/notes")
    assert PathResolver.resolve().data_dir == home / "notes"
    monkeypatch.setenv("REKALL_HOME", "~no-such-user-here/notes")
    with pytest.raises(ConfigError, match="environment REKALL_HOME is '~no-such-user-here/notes'"):
        PathResolver.resolve()


def test_a_project_is_found_in_the_current_directory_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.rekall` of the current directory is the project, that of a parent is not, and force_global passes over it."""
    root = init_local_project()
    paths = PathResolver.resolve()
    assert (paths.source, paths.is_local_project, paths.config_dir) == (PathSource.LOCAL, True, root)
    assert (paths.cache_dir, paths.db_path) == (root / "cache", root / "knowledge.db")
    assert paths.origin("database") == "directory ./.rekall"
    assert PathResolver.resolve(force_global=True).source is PathSource.DEFAULT
    (root.parent / "sub").mkdir()
    monkeypatch.chdir(root.parent / "sub")
    assert PathResolver.resolve().source is PathSource.DEFAULT


def test_backups_alone_make_no_project(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rekall backup` creates ~/.rekall/backups, which must not turn the home directory into an empty project."""
    monkeypatch.chdir(home)
    (home / ".rekall" / "backups").mkdir(parents=True)
    assert PathResolver._from_local() is None
    (home / ".rekall" / "knowledge.db").touch()
    assert PathResolver.resolve().source is PathSource.LOCAL


def test_a_file_called_rekall_is_not_passed_over() -> None:
    """A `.rekall` of any kind claims the directory: using another base silently would be worse than an error."""
    Path(".rekall").touch()
    paths = PathResolver.resolve()
    assert paths.source is PathSource.LOCAL
    with pytest.raises(ConfigError, match="cannot create the directory"):
        paths.ensure_dirs()


def test_data_dir_moves_the_data_only(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """data_dir is expanded and looked up under XDG_CONFIG_HOME; the cache stays at the platform place."""
    config = write_user_config(home, 'data_dir = "~/notes"')
    paths = PathResolver.resolve()
    assert (paths.source, paths.db_path) == (PathSource.CONFIG, home / "notes/knowledge.db")
    assert paths.origin("database") == f"file {config} (data_dir)"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg-cache"))
    assert PathResolver.resolve().source is PathSource.XDG
    (tmp_path / "xdg/rekall").mkdir(parents=True)
    (tmp_path / "xdg/rekall/config.toml").write_text(f'data_dir = "{tmp_path}"', encoding="utf-8")
    paths = PathResolver.resolve()
    assert (paths.data_dir, paths.config_dir) == (tmp_path, tmp_path / "xdg/rekall")
    assert paths.origin("config") == "environment XDG_CONFIG_HOME"
    assert paths.cache_dir == home / ".cache/rekall"


@pytest.mark.parametrize("text", ["data_dir = ", "", 'data_dir = ""'])
def test_a_config_without_data_dir_leaves_the_next_rules(home: Path, text: str) -> None:
    """A malformed user-level file or one without data_dir does not stop the search for directories."""
    write_user_config(home, text)
    assert PathResolver.resolve().source is PathSource.DEFAULT


def test_data_dir_of_another_type_is_an_error(home: Path) -> None:
    """Data must not go silently elsewhere because data_dir was written wrong."""
    config = write_user_config(home, "data_dir = 5")
    with pytest.raises(ConfigError) as caught:
        PathResolver.resolve()
    assert str(caught.value).startswith(f"{config}: data_dir is an integer, text (a path) is needed")


def test_an_empty_xdg_variable_means_the_platform_place(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any XDG variable chooses the rule; each one that is empty or missing leaves the platform place."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    paths = PathResolver.resolve()
    assert paths.source is PathSource.XDG
    assert paths.config_dir == home / ".config/rekall"
    assert paths.data_dir == home / ".local/share/rekall"
    assert paths.cache_dir == tmp_path / "c/rekall"
    assert (paths.origin("config"), paths.origin("cache")) == ("default", "environment XDG_CACHE_HOME")


def test_a_deleted_current_directory_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that stands in a directory which is gone still finds the user's own base."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert PathResolver.resolve().source is PathSource.DEFAULT


def test_legacy_is_one_directory(home: Path) -> None:
    """--legacy means ~/.rekall for everything and says so."""
    paths = legacy_paths()
    assert paths.config_dir == paths.data_dir == home / ".rekall"
    assert (paths.cache_dir, paths.db_path) == (home / ".rekall/cache", home / ".rekall/knowledge.db")
    assert (paths.source, paths.is_local_project) == (PathSource.CLI, False)
    assert paths.origin("database") == "flag --legacy"


def test_paths_put_together_by_hand_name_their_source() -> None:
    """A 0.3 caller builds ResolvedPaths positionally, without origins."""
    paths = ResolvedPaths(Path("a"), Path("b"), Path("c"), Path("d"), PathSource.ENV, True)
    assert paths.origin("data") == "env"


def test_directories_are_created_for_the_owner_alone(home: Path) -> None:
    """ensure_dirs creates what is missing with mode 0700 and may be repeated."""
    paths = PathResolver.resolve()
    paths.ensure_dirs()
    paths.ensure_dirs()
    assert {mode(path) for path in (paths.config_dir, paths.data_dir, paths.cache_dir)} == {0o700}
    assert home in paths.data_dir.parents


@pytest.mark.parametrize("exclude", [False, True])
def test_a_new_project_says_what_git_ignores(tmp_path: Path, exclude: bool) -> None:
    """The cache and the backups are ignored; the database is versioned unless asked otherwise."""
    root = init_local_project(tmp_path / "project", exclude_db_from_git=exclude)
    lines = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert root == tmp_path / "project/.rekall"
    assert "cache/" in lines
    assert "backups/" in lines
    assert ("knowledge.db" in lines) is exclude
    assert ("# knowledge.db" in lines) is not exclude
    assert (mode(root), mode(root / ".gitignore")) == (0o700, 0o600)


def test_an_existing_gitignore_is_kept(tmp_path: Path) -> None:
    """A second `init --local` does not touch what the user wrote."""
    root = init_local_project(tmp_path)
    (root / ".gitignore").write_text("mine\n", encoding="utf-8")
    init_local_project(tmp_path, exclude_db_from_git=True)
    assert (root / ".gitignore").read_text(encoding="utf-8") == "mine\n"


def make_legacy(home: Path) -> Path:
    legacy = home / ".rekall"
    legacy.mkdir()
    (legacy / "knowledge.db").write_bytes(b"base")
    (legacy / "knowledge.db-wal").write_bytes(b"log")
    (legacy / "config.toml").write_text("[ui]\n", encoding="utf-8")
    return legacy


def test_the_legacy_directory_is_copied_once(home: Path) -> None:
    """Database, its write-ahead log and config.toml are copied privately; originals and a marker stay."""
    legacy = make_legacy(home)
    info = check_legacy_migration()
    assert info == MigrationInfo(legacy, home / ".config/rekall", home / ".local/share/rekall", True, True)
    assert info is not None
    assert info.migrated_marker == legacy / ".rekall-migrated"
    assert perform_migration(info)
    data = home / ".local/share/rekall"
    assert (data / "knowledge.db").read_bytes() == b"base"
    assert (data / "knowledge.db-wal").read_bytes() == b"log"
    assert mode(data / "knowledge.db") == mode(home / ".config/rekall/config.toml") == 0o600
    assert (legacy / "knowledge.db").exists()
    assert info.migrated_marker.read_text(encoding="utf-8")
    assert check_legacy_migration() is None


def test_there_may_be_nothing_to_migrate(home: Path) -> None:
    """No directory, nothing of value in it, or a database in the new place: None."""
    assert check_legacy_migration() is None
    (home / ".rekall").mkdir()
    assert check_legacy_migration() is None
    (home / ".rekall/knowledge.db").touch()
    assert check_legacy_migration() is not None
    (home / ".local/share/rekall").mkdir(parents=True)
    (home / ".local/share/rekall/knowledge.db").touch()
    assert check_legacy_migration() is None


def test_a_migration_never_replaces_what_is_there(home: Path) -> None:
    """A database in the new place refuses the migration, a config.toml there is kept."""
    make_legacy(home)
    info = check_legacy_migration()
    assert info is not None
    config = write_user_config(home, "# mine\n")
    (home / ".local/share/rekall").mkdir(parents=True)
    database = home / ".local/share/rekall/knowledge.db"
    database.write_bytes(b"new")
    assert not perform_migration(info)
    assert database.read_bytes() == b"new"
    assert not info.migrated_marker.exists()
    database.unlink()
    assert perform_migration(info)
    assert config.read_text(encoding="utf-8") == "# mine\n"


def test_a_failed_migration_leaves_no_half_copy(home: Path) -> None:
    """When the config cannot be copied, the database that was copied before it is removed again."""
    make_legacy(home)
    info = check_legacy_migration()
    assert info is not None
    (home / ".config").touch()
    assert not perform_migration(info)
    assert list((home / ".local/share/rekall").iterdir()) == []
    assert check_legacy_migration() == info
