"""Settings: what each source says, which one wins, and what is said of whatever is wrong."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rekall.errors import ConfigError
from rekall_server.settings import Settings, load
from rekall_server.settings_sources import accepted_by


def usual_file() -> Path:
    """The rekall-server.toml that is read where none is named."""
    folder = Settings().token_file.parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "rekall-server.toml"


def wrong(flags: Mapping[str, Any] | None = None, file: Path | None = None) -> str:
    """What is said when the settings cannot be used: one line."""
    with pytest.raises(ConfigError) as caught:
        load(flags or {}, file)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_nothing_is_needed() -> None:
    """Without any source every setting has its default, and says so."""
    found = load({}, None)
    assert found.file is None
    assert set(found.origins) == set(Settings.model_fields)
    assert set(found.origins.values()) == {"default"}
    assert (found.settings.host, found.settings.port, found.settings.workers) == ("127.0.0.1", 8765, 1)
    assert (found.settings.database, found.settings.database_backend, found.settings.redis_url) == (None, None, None)
    assert (found.settings.max_body, found.settings.cache_on_error) == (4 * 1024 * 1024, "raise")


def test_flags_come_before_the_environment_which_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting comes from the highest source that has it."""
    usual_file().write_text("port = 1001\nworkers = 3\nmax_results = 7\n")
    monkeypatch.setenv("REKALL_SERVER_PORT", "1002")
    monkeypatch.setenv("REKALL_SERVER_WORKERS", "4")
    found = load({"port": "1003", "max_query": None}, None)
    assert (found.settings.port, found.settings.workers, found.settings.max_results) == (1003, 4, 7)
    assert found.settings.max_query == 10_000
    assert found.origins["port"] == "flag --port"
    assert found.origins["workers"] == "environment REKALL_SERVER_WORKERS"
    assert found.origins["max_results"] == f"file {usual_file()}"
    assert found.origins["max_query"] == "default"
    assert found.file == usual_file()
    assert found.settings.origins == found.origins


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that the flag names, else the one that the variable names, else the usual one."""
    usual_file().write_text("port = 1001\n")
    named, given = tmp_path / "named.toml", tmp_path / "given.toml"
    named.write_text("port = 1002\n")
    given.write_text("port = 1003\n")
    assert load({}, None).settings.port == 1001
    monkeypatch.setenv("REKALL_SERVER_CONFIG", str(named))
    assert load({}, None).settings.port == 1002
    assert load({}, given).settings.port == 1003


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual one alone may be missing."""
    missing = tmp_path / "missing.toml"
    assert wrong(file=missing) == f"flag --config names {missing}, which is not there: correct it"
    monkeypatch.setenv("REKALL_SERVER_CONFIG", str(missing))
    assert wrong() == f"environment REKALL_SERVER_CONFIG names {missing}, which is not there: correct it"


FILES = {
    "unknown key": ("prot = 3\n", ": unknown key prot; did you mean port?"),
    "a dash": ("allowed-hosts = []\n", ": unknown key allowed-hosts; did you mean allowed_hosts?"),
    "nothing like it": ("zzz = 3\n", ": unknown key zzz; 'rekall-server --help' lists the settings"),
    "a table": ("[server]\nport = 3\n", ": unknown key server; 'rekall-server --help' lists the settings"),
    "text for a number": (
        'port = "abc"\n',
        ": port is 'abc': set it to a whole number from 0 to 65535, or remove the line",
    ),
    "a number as text": (
        'port = "80"\n',
        ": port is '80': set it to a whole number from 0 to 65535, or remove the line",
    ),
    "a boolean for a number": ("workers = true\n", ": workers is true: set it to a whole number from 1 to 64, or"),
    "a number for a boolean": ("debug = 1\n", ": debug is 1: set it to true or false, or remove the line"),
    "a number for a path": ("database = 1\n", ": database is 1: set it to a path, or remove the line"),
    "a date": ("host = 2020-01-01\n", ": host is datetime.date(2020, 1, 1): set it to an address or"),
    "infinity": ("query_timeout = inf\n", ": query_timeout is inf: set it to seconds above 0, 3600 at most, or"),
    "pool size 0": ("pool_size = 0\n", ": pool_size is 0: set it to a whole number of 1 or more, or remove the line"),
    "numbers for names": ("allowed_hosts = [1]\n", ": allowed_hosts is [1]: set it to names such as"),
    "a table for a name": (
        "cache_backend = {a = 1}\n",
        ": cache_backend is {'a': 1}: set it to the name of a back end",
    ),
    "malformed": ("port = 1\nport = = 2\n", ", line 2: malformed TOML: "),
    "cut short": ('port = 1\nhost = "', ", line 2: malformed TOML: "),
    "a huge number": (f"port = {'9' * 5000}\n", ", line 1: malformed TOML: "),
}


@pytest.mark.parametrize("case", FILES)
def test_what_is_wrong_in_a_file(case: str) -> None:
    """The file, the key, the value and what is accepted."""
    text, message = FILES[case]
    usual_file().write_text(text)
    assert wrong().startswith(f"{usual_file()}{message}")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder in its place, and a file that is not UTF-8."""
    usual_file().mkdir()
    assert wrong() == f"cannot read {usual_file()}: Is a directory; make it a file that this user may read"
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'host = "localhost"\ndatabase = "/caf\xe9"\n')
    assert wrong(file=latin) == f"{latin}, line 2: the file is not UTF-8; save it as UTF-8"


def test_a_file_of_some_editors(tmp_path: Path) -> None:
    """A byte order mark in front is no part of the first key."""
    file = tmp_path / "marked.toml"
    file.write_bytes(b"\xef\xbb\xbfport = 1001\n")
    assert load({}, file).settings.port == 1001


VARIABLES = {
    "unknown": ("PROT", "3", "is not a setting of rekall-server; did you mean REKALL_SERVER_PORT?"),
    "nothing like it": ("ZZZ", "3", "is not a setting of rekall-server; 'rekall-server --help' lists the settings"),
    "no number": ("PORT", "abc", "is 'abc': set it to a whole number from 0 to 65535, or unset it"),
    "too high": ("PORT", "65536", "is '65536': set it to a whole number from 0 to 65535, or unset it"),
    "a fraction": ("WORKERS", "1.5", "is '1.5': set it to a whole number from 1 to 64, or unset it"),
    "pool size 0": ("POOL_SIZE", "0", "is '0': set it to a whole number of 1 or more, or unset it"),
    "no choice": ("CACHE_ON_ERROR", "ignore", "is 'ignore': set it to raise or bypass, or unset it"),
    "not a number": ("WAIT_TIMEOUT", "nan", "is 'nan': set it to seconds above 0, 3600 at most, or unset it"),
    "negative": ("QUERY_TIMEOUT", "-1", "is '-1': set it to seconds above 0, 3600 at most, or unset it"),
    "no boolean": ("DEBUG", "perhaps", "is 'perhaps': set it to true or false, or unset it"),
    "every host": ("ALLOWED_HOSTS", "*", "is '*': set it to names such as rekall.example.org, by comma, or unset it"),
    "an address for a name": ("ALLOWED_HOSTS", "http://a.example", "is 'http://a.example': set it to names such as"),
    "a name for an origin": ("ALLOWED_ORIGINS", "a.example", "is 'a.example': set it to origins such as"),
    "every origin": ("ALLOWED_ORIGINS", "*", "is '*': set it to origins such as"),
    "no level": ("LOG_LEVEL", "loud", "is 'loud': set it to one of debug, info, warning, error, critical, or unset it"),
    "a blank address": ("HOST", "  ", "is '  ': set it to an address or a name of this machine, or unset it"),
}


@pytest.mark.parametrize("case", VARIABLES)
def test_what_is_wrong_in_the_environment(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable, the value and what is accepted."""
    name, value, message = VARIABLES[case]
    monkeypatch.setenv(f"REKALL_SERVER_{name}", value)
    assert wrong().startswith(f"environment REKALL_SERVER_{name} {message}")


def test_what_is_wrong_in_a_flag() -> None:
    """The flag, the value and what is accepted."""
    assert wrong({"pool_size": "none"}) == "flag --pool-size is 'none': give a whole number of 1 or more"
    assert wrong({"token_file": ""}) == "flag --token-file is '': give a path"


def test_a_wrong_value_is_wrong_even_where_another_one_overrides_it() -> None:
    """Else it would turn up on the day that the other one goes."""
    usual_file().write_text("port = 70000\n")
    assert wrong({"port": "1001"}).startswith(f"{usual_file()}: port is 70000: ")


def test_the_environment_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting can be given as a variable: lists by comma; an empty one sets nothing."""
    given = {
        "host": "localhost", "port": "1001", "workers": "2", "database": "/x/base.db", "database_backend": "sqlite",
        "cache_backend": "redis", "pool_size": "3", "redis_url": "rediss://:word@cache.example:6380/1",
        "cache_on_error": "bypass", "query_timeout": "1.5", "wait_timeout": "2", "redis_timeout": "0.5",
        "read_timeout": "9", "drain_timeout": "4", "token_file": "/x/tokens.toml",
        "allowed_hosts": "a.example, *.b.example:8080,,[::1]", "allowed_origins": "https://a.example",
        "max_body": "65536", "max_query": "100", "max_results": "9", "log_level": "WARNING", "log_format": "text",
        "debug": "yes",
    }  # fmt: skip
    assert set(given) == set(Settings.model_fields)
    for name, value in given.items():
        monkeypatch.setenv(f"REKALL_SERVER_{name.upper()}", value)
    found = load({}, None).settings
    assert found.allowed_hosts == ["a.example", "*.b.example:8080", "[::1]"]
    assert found.redis_url is not None
    assert found.redis_url.get_secret_value() == given["redis_url"]
    shown = json.loads(found.model_dump_json())
    assert shown == {
        **{name: value for name, value in given.items() if isinstance(value, str)},
        "port": 1001, "workers": 2, "pool_size": 3, "query_timeout": 1.5, "wait_timeout": 2.0, "redis_timeout": 0.5,
        "read_timeout": 9.0, "drain_timeout": 4.0, "allowed_hosts": found.allowed_hosts,
        "allowed_origins": ["https://a.example"], "max_body": 65536, "max_query": 100, "max_results": 9,
        "log_level": "warning", "debug": True, "redis_url": "**********",
    }  # fmt: skip
    for name in given:
        monkeypatch.setenv(f"REKALL_SERVER_{name.upper()}", "")
    assert set(load({}, None).origins.values()) == {"default"}


def test_a_file_in_full(tmp_path: Path) -> None:
    """Every setting can stand in a file, with the types of TOML."""
    file = tmp_path / "full.toml"
    file.write_text(
        'host = "::1"\nport = 1001\nworkers = 2\ndatabase = "/x/base.db"\ndatabase_backend = "sqlite"\n'
        'cache_backend = "redis"\npool_size = 3\nredis_url = "unix:///run/redis.sock?db=1"\ncache_on_error = "bypass"\n'
        "query_timeout = 1.5\nwait_timeout = 2\nredis_timeout = 0.5\nread_timeout = 9\ndrain_timeout = 4\n"
        'token_file = "/x/tokens.toml"\nallowed_hosts = ["a.example"]\nallowed_origins = []\nmax_body = 65536\n'
        'max_query = 100\nmax_results = 9\nlog_level = "error"\nlog_format = "auto"\ndebug = true\n'
    )
    found = load({}, file)
    assert set(found.origins.values()) == {f"file {file}"}
    assert (found.settings.wait_timeout, found.settings.allowed_hosts, found.settings.debug) == (
        2.0,
        ["a.example"],
        True,
    )


def test_paths_do_not_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is taken from the current directory and the home folder of the start, once."""
    monkeypatch.chdir(tmp_path)
    assert load({"database": "base.db"}, None).settings.database == tmp_path / "base.db"
    assert load({"database": "~/base.db"}, None).settings.database == Path.home() / "base.db"


SECRETS = {
    "a wrong scheme": "http://:hunter2@cache.example/0",
    "no host": "redis://:hunter2@/0",
    "a wrong port": "redis://me:hunter2@cache.example:port/0",
    "a wrong database": "redis://me:hunter2@cache.example/base",
    "a password with signs": "redi://me:hunter2@x/y?z#hunter2@cache.example",
    "in the options": "http://cache.example/?password=hunter2",
    "a password alone": "hunter2",
    "blanks": "redis://:hunter2@cache.example/ 0",
}


@pytest.mark.parametrize("case", SECRETS)
def test_a_wrong_address_of_redis_is_shown_without_its_password(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From every source."""
    url = SECRETS[case]
    monkeypatch.setenv("REKALL_SERVER_REDIS_URL", url)
    texts = [wrong()]
    monkeypatch.delenv("REKALL_SERVER_REDIS_URL")
    texts.append(wrong({"redis_url": url}))
    usual_file().write_text(f"redis_url = {json.dumps(url)}\n")
    texts.append(wrong())
    for text in texts:
        assert "***" in text
        assert "hunter2" not in text
        assert text.count("redis://HOST:PORT/DATABASE, its port from 1 to 65535") == 1


def test_a_dotenv_file_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever directory the server is started in."""
    Path(".env").write_text("REKALL_SERVER_PORT=1001\nPORT=1001\n")
    monkeypatch.setenv("PORT", "1002")
    assert load({}, None).settings.port == 8765


def test_made_by_hand_it_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker gets the settings of the process that started it, and no others."""
    monkeypatch.setenv("REKALL_SERVER_PORT", "1001")
    usual_file().write_text("port = 1002\n")
    assert Settings().port == 8765


_IN_A_WORKER = """
import pickle, sys
settings = pickle.load(sys.stdin.buffer)
print(settings.port, settings.redis_url.get_secret_value(), settings.where("port"))
"""


def test_a_process_of_a_worker_gets_them() -> None:
    """With the secrets and the origins: a worker is a new process, and is sent them."""
    settings = load({"port": "1001", "redis_url": "redis://:word@cache.example"}, None).settings
    sent = pickle.dumps(settings)
    assert pickle.loads(sent) == settings  # noqa: S301  # its own
    command = [sys.executable, "-c", _IN_A_WORKER]
    done = subprocess.run(command, input=sent, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().split() == ["1001", "redis://:word@cache.example", "flag", "--port"]


def test_frozen() -> None:
    """Nobody changes a setting later."""
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_how_a_setting_is_named_in_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is written where it comes from."""
    usual_file().write_text("port = 1001\n")
    monkeypatch.setenv("REKALL_SERVER_HOST", "localhost")
    settings = load({"workers": 2}, None).settings
    assert settings.where("port") == f"{usual_file()}: port"
    assert settings.where("host") == "environment REKALL_SERVER_HOST"
    assert settings.where("workers") == "flag --workers"
    assert settings.where("debug") == "debug (default)"
    assert [settings.is_set(name) for name in ("port", "host", "workers", "debug")] == [True, True, True, False]


def test_every_setting_says_what_it_is_for_and_what_it_accepts() -> None:
    """The flags and the errors are made of it."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert accepted_by(name) != "another value", name
