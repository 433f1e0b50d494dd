"""Home's configuration with the server's values in it, and what errors of back ends blame."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rekall.config import Config
from rekall.errors import ConfigError
from rekall.infra import ServiceContainer
from rekall_server import home
from rekall_server.effective import Value, effective
from rekall_server.settings import Settings, load


def home_file(text: str) -> Path:
    """A config.toml of Home with a text."""
    file = Settings().token_file.parent / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def server_file(text: str) -> Path:
    """A rekall-server.toml in the usual place with a text."""
    file = Settings().token_file.parent / "rekall-server.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def applied(**flags: Any) -> Config:
    """The configuration that results."""
    return home.apply(load(flags, None).settings)


def refused(**flags: Any) -> str:
    """Why there is none."""
    with pytest.raises(ConfigError) as caught:
        applied(**flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def shown(**flags: Any) -> Mapping[str, Value]:
    """What `rekall-server config` would show."""
    settings = load(flags, None).settings
    return {value.name: value for value in effective(settings, home.apply(settings))}


def test_nothing_configured() -> None:
    """This user's base on pooled SQLite, with a cache in each process."""
    config = applied()
    assert config.db_path == Path.home() / "rekall/knowledge.db"
    assert (config.database_backend, config.cache_backend) == ("pooled", "local")
    assert config.database_options == {"query_timeout": 30.0, "wait_timeout": 5.0}
    assert config.cache_options == {}
    assert (config.debug, config.cache_on_error) == (False, "raise")


def test_the_server_s_values_reach_the_back_ends(tmp_path: Path) -> None:
    """Under the names that those have for them."""
    config = applied(
        database=str(tmp_path / "team.db"), pool_size="3", query_timeout="2", wait_timeout="1",
        redis_url="redis://:word@cache.example/1", redis_timeout="0.5", cache_on_error="bypass", debug="true",
    )  # fmt: skip
    assert config.db_path == tmp_path / "team.db"
    assert config.database_options == {"pool_size": 3, "query_timeout": 2.0, "wait_timeout": 1.0}
    assert (config.cache_backend, config.cache_options) == (
        "redis",
        {"url": "redis://:word@cache.example/1", "timeout": 0.5},
    )
    assert (config.cache_on_error, config.debug) == ("bypass", True)
    assert "word" not in repr(config)


def test_home_s_configuration_counts_where_the_server_s_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file and its variables: back ends, their options, debug, and what a failing cache does."""
    file = home_file(
        "debug = true\n[backends]\ndatabase = 'pooled'\ncache = 'local'\ncache_on_error = 'bypass'\n"
        "[backends.database_options]\nquery_timeout = 9.0\nbusy_timeout = 1.0\n[backends.cache_options]\nmax_size = 7\n"
    )
    config = applied(wait_timeout="1")
    assert config.database_options == {"query_timeout": 9.0, "busy_timeout": 1.0, "wait_timeout": 1.0}
    assert (config.cache_options, config.debug, config.cache_on_error) == ({"max_size": 7}, True, "bypass")
    values = shown(wait_timeout="1")
    assert values["query_timeout"] == Value("query_timeout", 9.0, f"file {file}")
    assert values["wait_timeout"] == Value("wait_timeout", 1.0, "flag --wait-timeout")
    assert values["database_options.busy_timeout"] == Value("database_options.busy_timeout", 1.0, f"file {file}")
    assert values["cache_backend"] == Value("cache_backend", "local", f"file {file}")
    assert values["debug"] == Value("debug", True, f"file {file}")
    monkeypatch.setenv("REKALL_DATABASE_BACKEND", "sqlite")
    assert applied().database_backend == "sqlite"
    assert shown()["database_backend"] == Value("database_backend", "sqlite", "environment REKALL_DATABASE_BACKEND")


def test_the_server_s_values_come_before_home_s() -> None:
    """Each by itself; the options of a back end that is not used are set aside."""
    home_file(
        "debug = true\n[backends]\ndatabase = 'sqlite'\ncache = 'local'\ncache_on_error = 'bypass'\n"
        "[backends.database_options]\nbusy_timeout = 1.0\n[backends.cache_options]\nmax_size = 7\n"
    )
    server_file("debug = false\ncache_on_error = 'raise'\nredis_url = 'redis://cache.example'\n")
    config = applied(database_backend="pooled")
    assert (config.debug, config.cache_on_error) == (False, "raise")
    assert config.database_options == {"query_timeout": 30.0, "wait_timeout": 5.0}
    assert config.cache_options == {"url": "redis://cache.example", "timeout": 1.0}
    assert "set aside: flag --database-backend selects another back end" in config.origins["backends.database_options"]


def test_options_of_home_without_a_named_back_end_are_kept() -> None:
    """They are for whichever is used, as in Home."""
    home_file("[backends.database_options]\nbusy_timeout = 1.0\n")
    assert applied().database_options == {"busy_timeout": 1.0, "query_timeout": 30.0, "wait_timeout": 5.0}


def test_a_project_s_base_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server belongs to a user, not to the directory that it is started in."""
    monkeypatch.delenv("REKALL_HOME")
    local = Path.cwd() / ".rekall"
    local.mkdir()
    (local / "config.toml").write_text("malformed = ")
    assert applied().db_path == Path.home() / ".local/share/rekall/knowledge.db"


def test_where_the_base_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Home finds it, unless the server is told."""
    monkeypatch.delenv("REKALL_HOME")
    assert shown()["database"] == Value("database", str(Path.home() / ".local/share/rekall/knowledge.db"), "default")
    monkeypatch.setenv("REKALL_DB_PATH", str(tmp_path / "other.db"))
    assert shown()["database"] == Value("database", str(tmp_path / "other.db"), "environment REKALL_DB_PATH")
    file = Path.home() / ".config/rekall/rekall-server.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f"database = '{tmp_path / 'team.db'}'\n")
    assert shown()["database"] == Value("database", str(tmp_path / "team.db"), f"file {file}")


def test_what_has_no_effect_is_refused() -> None:
    """A setting for a back end, beside the selection of another one by the same source or a lower one."""
    file = home_file("[backends]\ndatabase = 'sqlite'\n")
    assert refused(pool_size="3") == (
        f"flag --pool-size is for the database back end pooled, but {file}: backends.database selects sqlite: "
        "take back one of the two"
    )
    assert refused(cache_backend="local", redis_url="redis://cache.example").startswith(
        "flag --redis-url is for the cache back end redis, but flag --cache-backend selects local"
    )
    assert refused(redis_timeout="2") == (
        "flag --redis-timeout is for the cache back end redis, but default of rekall-server selects local: "
        "take back one of the two"
    )


def test_a_higher_source_may_select_another_back_end() -> None:
    """What the lower one says of the former is not used then, and `config` says so."""
    file = server_file("redis_url = 'redis://:word@cache.example'\npool_size = 3\n")
    values = shown(cache_backend="local", database_backend="sqlite")
    assert values["redis_url"] == Value(
        "redis_url", "redis://:***@cache.example", f"file {file}; not used, it is for redis"
    )
    assert values["pool_size"] == Value("pool_size", 3, f"file {file}; not used, it is for pooled")
    assert applied(cache_backend="local", database_backend="sqlite").cache_options == {}


def test_secrets_are_masked() -> None:
    """In the settings, and in what Home gives other back ends."""
    home_file(
        "[backends]\ncache = 'acme'\n[backends.cache_options]\npassword = 'geheim'\nurl = 'acme://me:geheim@x'\n"
        "nested = {api_key = 'geheim', list = ['acme://:geheim@y']}\n"
    )
    values = shown()
    assert values["cache_options.password"].value == "***"
    assert values["cache_options.url"].value == "acme://me:***@x"
    assert "geheim" not in json.dumps(list(values.values()))
    assert "geheim" not in json.dumps(list(shown(redis_url="redis://u:geheim@z/0?password=geheim").values()))


def connected(config: Config) -> str:
    """What is said when its back ends are made and the database is opened."""
    container = ServiceContainer(config=lambda: config)
    try:
        container.database()
        container.cache()
    except ConfigError as error:
        return str(error)
    finally:
        container.close()
    return ""


BLAMED = {
    "an unknown database back end, by a flag": (
        {"database_backend": "poled"}, "", "flag --database-backend is 'poled', which is not a back end; available: ",
    ),
    "an unknown cache back end, in the server's file": (
        {}, "cache_backend = 'rediss'\n", "{server}: cache_backend is 'rediss', which is not a back end; available: ",
    ),
    "an option that the back end refuses": (
        {}, "redis_url = 'redis://cache.example?decode_responses=true'\n", "{server}: redis_url: url ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BLAMED)
def test_the_server_s_setting_is_blamed_for_what_it_says(case: str) -> None:
    """Never Home's config.toml, which has nothing to do with it."""
    flags, text, message = BLAMED[case]
    server = server_file(text)
    config = applied(**flags)
    text = connected(config)
    assert text.startswith(message.format(server=server))
    assert "config.toml" not in text.replace("(in config.toml: url under [backends.cache_options])", "")


def test_home_s_file_is_blamed_for_what_it_says() -> None:
    """An option of Home's beside one of the server's."""
    file = home_file("[backends.database_options]\nbusy_timeout = 99.0\n")
    config = applied(pool_size="3")
    container = ServiceContainer(config=lambda: config)
    with pytest.raises(ConfigError) as caught:
        container.database()
    assert str(caught.value) == (f"{file}: backends.database_options: busy_timeout is 99.0: give seconds from 0 to 10")


def test_a_broken_config_toml_of_home_is_told() -> None:
    """With its own line."""
    file = home_file("[backends]\ndatabase = 3\n")
    assert refused() == f"{file}: backends.database is an integer, text is needed; correct the line or remove it"
    file.write_text("[backends\n")
    assert refused().startswith(f"{file}, line 1")
