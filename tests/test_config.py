"""The configuration: what is read, what is refused, where each value came from, and what a rewrite keeps."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rekall
from rekall import config as config_module
from rekall.config import (
    AutoscanConfig,
    Config,
    Setting,
    apply_toml_config,
    describe,
    get_autoscan_config,
    get_config,
    load_config,
    load_config_from_toml,
    reset_config,
    save_config_to_toml,
    set_autoscan_config,
    set_config,
    set_promotion_config,
)
from rekall.config_keys import KEYS
from rekall.errors import ConfigError
from rekall.paths import PathResolver, PathSource, ResolvedPaths

FACTS: dict[str, Any] = json.loads((Path(__file__).parent / "data/compat/config_keys.json").read_text(encoding="utf-8"))
OLD_KEYS: list[dict[str, Any]] = FACTS["keys"]
VARIABLES = ("REKALL_HOME", "REKALL_DB_PATH", "REKALL_DEBUG", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")


@pytest.fixture(autouse=True)
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the user's config.toml, which does not exist yet."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    home, work = tmp_path / "home", tmp_path / "work"
    work.mkdir()
    (home / ".config/rekall").mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    reset_config()
    return home / ".config/rekall/config.toml"


def load(file: Path, text: str) -> Config:
    file.write_text(text, encoding="utf-8")
    return load_config()


def refused(file: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, text)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(file))
    return message


def as_toml(value: object) -> str:
    return json.dumps(value)  # for text, numbers and booleans the two notations are the same


def dotted(fact: dict[str, Any]) -> str:
    return f"{fact['section']}.{fact['key']}" if fact["section"] else str(fact["key"])


# --- the object -----------------------------------------------------------------------------------------------------


def test_every_03_key_has_its_attribute_and_default() -> None:
    """The table of keys covers the recorded keys of 0.3, in their order, with their attributes and defaults."""
    declared = {key.dotted: key for key in KEYS}
    assert [key.dotted for key in KEYS][: len(OLD_KEYS)] == [dotted(fact) for fact in OLD_KEYS]
    config = Config()
    for fact in OLD_KEYS:
        assert declared[dotted(fact)].attribute == (fact["config_attribute"] or "")
        if fact["config_attribute"]:
            assert getattr(config, fact["config_attribute"]) == fact["default"]
    for fact in FACTS["config_attributes_without_toml_key"]:
        assert getattr(config, fact["name"]) == fact["default"]


def test_every_attribute_of_a_key_is_a_field() -> None:
    """The table cannot name an attribute that Config does not have."""
    fields = {field.name for field in dataclasses.fields(Config)}
    assert {key.attribute for key in KEYS if key.attribute} <= fields


def test_the_new_fields_are_keyword_only_and_origins_do_not_count_as_values(tmp_path: Path) -> None:
    """0.3 code that builds or compares Config is not disturbed by the new fields."""
    keyword = [field.name for field in dataclasses.fields(Config) if field.kw_only]
    debugging, backends = ["debug_file", "debug_format"], ["database_backend", "cache_backend"]
    options = ["database_options", "cache_options", "cache_on_error"]
    assert keyword == [*debugging, *backends, *options, "origins", "warnings"]
    paths = ResolvedPaths(tmp_path, tmp_path, tmp_path, tmp_path / "k.db", PathSource.CLI)
    config = Config(paths, "vim")
    assert config == Config(paths, "vim", origins={"debug": "elsewhere"}, warnings=["x"])
    assert (config.config_dir, config.rekall_dir, config.db_path) == (tmp_path, tmp_path, tmp_path / "k.db")


def test_debug_is_the_new_name_of_debug_backends() -> None:
    """Two names, one state."""
    config = Config()
    config.debug = True
    assert config.debug_backends
    config.debug_backends = False
    assert not config.debug


def test_config_without_paths_resolves_them() -> None:
    """Config() uses the directories that the rules choose now."""
    assert Config().paths == config_module._default_paths() == PathResolver.resolve()


# --- reading 0.3's sections -----------------------------------------------------------------------------------------

SAMPLES: dict[str, Any] = {"boolean": True, "integer": 7, "number": 2.5, "text": "words"}
CHOSEN = {"smart_embeddings.context_mode": "optional", "performance.vector_backend": "numpy", "autoscan.enabled": False}


@pytest.mark.parametrize("fact", [fact for fact in OLD_KEYS if fact["config_attribute"]], ids=dotted)
def test_every_03_key_is_read(fact: dict[str, Any], config_file: Path) -> None:
    """A fitting value reaches the attribute, its origin names the file, and nothing is warned about."""
    if fact["type"] == "table":
        value: Any = {"title": 40}
        config = load(config_file, f"[{fact['section']}.{fact['key']}]\ntitle = 40\n")
    else:
        value = CHOSEN.get(dotted(fact), SAMPLES[fact["type"].split(",")[0].split(" ")[0]])
        config = load(config_file, f"[{fact['section']}]\n{fact['key']} = {as_toml(value)}\n")
    assert getattr(config, fact["config_attribute"]) == value
    assert config.origins[dotted(fact)] == f"file {config_file}"
    assert config.warnings == []


@pytest.mark.parametrize(
    ("text", "attribute", "value"),
    [
        ('performance.cache_max_size = "20"', "perf_cache_max_size", 20),
        ("promotion.max_projects = true", "promotion_max_projects", 1),
        ("promotion.threshold = 3", "promotion_threshold", 3.0),
        ('autoscan.interval_hours = " 1.5 "', "autoscan_interval_hours", 1.5),
        ('ui.detail_panel_ratio = "2"', "ui_detail_panel_ratio", 2.0),
    ],
)
def test_what_03_converted_without_loss_still_converts_silently(
    text: str, attribute: str, value: float, config_file: Path
) -> None:
    """Numbers written as text, and the like, keep working."""
    config = load(config_file, text)
    assert getattr(config, attribute) == value
    assert type(getattr(config, attribute)) is type(value)
    assert config.warnings == []


@pytest.mark.parametrize(
    ("text", "attribute", "value", "words"),
    [
        ("promotion.max_citations = 3.9", "promotion_max_citations", 3, "promotion.max_citations is a number"),
        ('autoscan.enabled = "false"', "autoscan_enabled", True, "is text instead of a boolean, read as True"),
        ('autoscan.connectors = ["cursor"]', "autoscan_connectors", "['cursor']", "is an array instead of text"),
        ('smart_embeddings.enabled = "no"', "smart_embeddings_enabled", "no", "used as it is"),
        ("smart_embeddings.dimensions = 1.5", "smart_embeddings_dimensions", 1.5, "instead of an integer"),
        ("smart_embeddings.similarity_threshold = true", "smart_embeddings_similarity_threshold", True, "a boolean"),
    ],
)
def test_a_doubtful_value_is_kept_and_mentioned(
    text: str, attribute: str, value: object, words: str, config_file: Path
) -> None:
    """What 0.3 took although the type is wrong is still taken, and the warning says how."""
    config = load(config_file, text)
    assert getattr(config, attribute) == value
    (line,) = config.warnings
    assert words in line


@pytest.mark.parametrize(
    ("text", "key", "accepted"),
    [
        (
            'smart_embeddings.context_mode = "strict"',
            "smart_embeddings.context_mode",
            "required, recommended, optional",
        ),
        ("smart_embeddings.context_mode = 1", "smart_embeddings.context_mode", "required, recommended, optional"),
        ('performance.vector_backend = "faiss"', "performance.vector_backend", "auto, sqlite-vec, numpy"),
        ("ui.detail_panel_ratio = 9", "ui.detail_panel_ratio", "from 0.5 to 4.0"),
        ("ui.detail_panel_ratio = nan", "ui.detail_panel_ratio", "from 0.5 to 4.0"),
    ],
)
def test_a_value_that_03_ignored_is_ignored_and_mentioned(
    text: str, key: str, accepted: str, config_file: Path
) -> None:
    """The default stays, and its origin too."""
    config = load(config_file, text)
    assert {setting.key: setting for setting in describe(config)}[key].origin == "default"
    assert config == Config()
    (line,) = config.warnings
    assert f"{key} = " in line
    assert accepted in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('performance.cache_max_size = "many"', "performance.cache_max_size is text, an integer is needed"),
        ("promotion.threshold = [1]", "promotion.threshold is an array, a number is needed"),
        ("autoscan.interval_hours = 2024-01-01", "autoscan.interval_hours is a date or time, a number is needed"),
        ("promotion.max_projects = inf", "promotion.max_projects is a number, an integer is needed"),
        ("ui.column_widths = 5", "ui.column_widths is an integer, a table is needed"),
        ("promotion = 3", "promotion is an integer, a table [promotion] is needed"),
    ],
)
def test_a_value_that_cannot_be_converted_is_one_line(text: str, words: str, config_file: Path) -> None:
    """Where 0.3 showed a traceback, the line names file, key, type and what is accepted."""
    assert words in refused(config_file, text)


def test_unknown_keys_are_one_warning(config_file: Path) -> None:
    """All unknown keys and tables of a file are named in one line, with the known name they resemble."""
    config = load(
        config_file,
        'colour = 1\n"odd key" = 1\n[promotion]\ntreshold = 5\n[performace]\na = 1\n[ui]\ncache_max_size = 3\n',
    )
    (line,) = config.warnings
    assert line == (
        f"{config_file}: unknown keys colour, 'odd key', promotion.treshold (did you mean promotion.threshold?), "
        "[performace] (did you mean [performance]?), ui.cache_max_size (did you mean performance.cache_max_size?)"
    )
    assert config == Config()
    apply_toml_config(config)
    assert config.warnings == [line]


# --- the newer keys -------------------------------------------------------------------------------------------------


def test_the_new_keys_are_read(config_file: Path) -> None:
    """debug and [backends], with free options for the back end to check."""
    config = load(
        config_file,
        'debug = true\n[backends]\ndatabase = "rqlite"\ncache = "redis"\n'
        '[backends.database_options]\nurl = "http://db:4001"\nanything = [1, 2]\n'
        "[backends.cache_options]\nport = 6379\n",
    )
    assert (config.debug, config.database_backend, config.cache_backend) == (True, "rqlite", "redis")
    assert config.database_options == {"url": "http://db:4001", "anything": [1, 2]}
    assert config.cache_options == {"port": 6379}
    assert config.origins["backends.cache_options"] == config.origins["debug"] == f"file {config_file}"
    assert config.warnings == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('debug = "true"', "debug is text, a boolean is needed"),
        ("debug = 1", "debug is an integer, a boolean is needed"),
        ("debug_file = 1", "debug_file is an integer, text is needed"),
        ('debug_format = "xml"', "debug_format is 'xml': set it to one of auto, text, json, or remove the line"),
        ("backends.cache = true", "backends.cache is a boolean, text is needed"),
        (
            'backends.cache_on_error = "ignore"',
            "backends.cache_on_error is 'ignore': set it to one of bypass, raise, or remove the line",
        ),
        ('backends.database_options = "x"', "backends.database_options is text, a table is needed"),
        ('backends = "redis"', "backends is text, a table [backends] is needed"),
        ('backends.databse = "x"', "unknown key backends.databse (text); did you mean backends.database?"),
        ("[backends.redis]", "unknown key backends.redis (a table); known here: backends.database, backends.cache"),
        ("debg = true", "unknown key debg (a boolean); did you mean debug?"),
        ("Debug = true", "unknown key Debug (a boolean); did you mean debug?"),
        ('debug_backends = "true"', "debug_backends is text, a boolean is needed"),
        ('database_backend = "x"', "unknown key database_backend (text); did you mean backends.database?"),
        ("[cache_options]", "unknown key [cache_options] (a table); did you mean backends.cache_options?"),
        ("[backend]", "unknown key [backend] (a table); did you mean [backends]?"),
    ],
)
def test_a_mistake_in_a_new_key_is_an_error(text: str, words: str, config_file: Path) -> None:
    """A misspelt back end or debug switch must not be passed over in silence."""
    assert words in refused(config_file, text)


@pytest.mark.parametrize("name", ["[backups]", "[database]", "[cache]", "[ui.debug]"])
def test_another_program_s_table_stays_a_warning(name: str, config_file: Path) -> None:
    """0.3 ignored unknown tables: only one that is surely meant for the new keys stops the program."""
    (line,) = load(config_file, f"{name}\nx = 1\n").warnings
    assert f"unknown key {name.strip('[]') if '.' in name else name}" in line


@pytest.mark.parametrize(("text", "value"), [("1", True), ("YES ", True), ("on", True), ("", False), ("off", False)])
def test_rekall_debug_overrides_the_file(
    text: str, value: bool, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment stands above config.toml, in both directions."""
    monkeypatch.setenv("REKALL_DEBUG", text)
    config = load(config_file, f"debug = {as_toml(not value)}")
    assert config.debug is value
    assert config.origins["debug"] == "environment REKALL_DEBUG"


@pytest.mark.parametrize(
    ("variable", "attribute", "text", "value"),
    [
        ("REKALL_DATABASE_BACKEND", "database_backend", "acme", "acme"),
        ("REKALL_DATABASE_BACKEND", "database_backend", "  ", "sqlite"),
        ("REKALL_CACHE_BACKEND", "cache_backend", " redis ", "redis"),
        ("REKALL_CACHE_BACKEND", "cache_backend", "", "local"),
        ("REKALL_DEBUG_FILE", "debug_file", "calls.log", "calls.log"),
        ("REKALL_DEBUG_FORMAT", "debug_format", "json", "json"),
    ],
)
def test_text_from_the_environment(
    variable: str, attribute: str, text: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of back ends, and where and how the debug log is written; a blank variable is none."""
    monkeypatch.setenv(variable, text)
    config = load_config()
    assert getattr(config, attribute) == value
    assert (f"environment {variable}" in config.origins.values()) is bool(text.strip())


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('database = "rqlite"\ndatabase_options.url = "x"', {}),
        ('database = "acme"\ndatabase_options.url = "x"', {"url": "x"}),
        ('database_options.url = "x"', {"url": "x"}),
    ],
)
def test_options_are_those_of_the_back_end_that_the_file_names(
    text: str, options: dict[str, str], config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Choosing another by the environment is a way out: it sets them aside; a file that names none has them for any."""
    monkeypatch.setenv("REKALL_DATABASE_BACKEND", "acme")
    config = load(config_file, f"[backends]\n{text}\n")
    assert config.database_options == options
    assert ("set aside" in config.origins["backends.database_options"]) is (options == {})


def test_the_environment_chooses_among_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the file does."""
    monkeypatch.setenv("REKALL_DEBUG_FORMAT", "xml")
    with pytest.raises(
        ConfigError, match="environment REKALL_DEBUG_FORMAT is 'xml': set it to one of auto, text, json"
    ):
        load_config()


def test_another_value_of_rekall_debug_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the variable, its value and the accepted words."""
    monkeypatch.setenv("REKALL_DEBUG", "maybe")
    with pytest.raises(ConfigError, match=r"environment REKALL_DEBUG is 'maybe': set it to one of 1, true, .* or 0,"):
        load_config()


# --- the file -------------------------------------------------------------------------------------------------------


def test_no_file_means_defaults(tmp_path: Path) -> None:
    """A missing file, or a directory that is a file, is no configuration and no error."""
    assert load_config() == Config()
    assert load_config_from_toml(tmp_path / "nowhere") == {}
    (tmp_path / "file").touch()
    assert load_config_from_toml(tmp_path / "file") == {}


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("\n\nx = [1,\n", 3), ("n = " + "9" * 5000, 1)]
)
def test_a_malformed_file_is_one_line_with_its_place(text: str, line: int, config_file: Path) -> None:
    """File and line number, also where the parser only knows that the document ended."""
    message = refused(config_file, text)
    assert message.startswith(f"{config_file}, line {line}")
    assert "malformed" in message


def test_a_file_that_cannot_be_read_is_one_line(config_file: Path) -> None:
    """Not UTF-8, a directory, a link in a circle: one line each, naming the file."""
    config_file.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(ConfigError, match="line 2: the file is not UTF-8"):
        load_config()
    config_file.unlink()
    config_file.mkdir()
    with pytest.raises(ConfigError, match=r"Failed to load configuration .*config\.toml: Is a directory"):
        load_config()
    config_file.rmdir()
    config_file.symlink_to(config_file)
    with pytest.raises(ConfigError, match=r"Failed to load configuration .*config\.toml"):
        load_config()


def test_a_byte_order_mark_is_passed_over(config_file: Path) -> None:
    """Editors on Windows write one."""
    config_file.write_bytes(b"\xef\xbb\xbfdebug = true\n")
    assert load_config().debug


def test_a_refused_file_changes_nothing(config_file: Path) -> None:
    """apply_toml_config leaves the object as it was when it raises."""
    config_file.write_text('promotion.threshold = 1\nperformance.cache_max_size = "x"\n', encoding="utf-8")
    config = Config()
    with pytest.raises(ConfigError):
        apply_toml_config(config)
    assert config == Config()
    assert config.origins == Config().origins


# --- which file, and the global object ------------------------------------------------------------------------------


@pytest.mark.fault(43)
def test_flags_choose_the_directory_and_its_file_is_read(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--global and --legacy read the config.toml of the directory that they choose."""
    legacy, local = Path.home() / ".rekall", Path(".rekall")
    for number, file in enumerate((config_file, legacy / "config.toml", local / "config.toml"), start=1):
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"promotion.threshold = {number}\n", encoding="utf-8")
    assert load_config(use_global=True).promotion_threshold == 1
    assert load_config().promotion_threshold == 3
    monkeypatch.setenv("REKALL_HOME", "elsewhere")
    config = load_config(use_global=True, use_legacy=True)
    assert config.promotion_threshold == 2
    assert config.origins["paths.database"] == "flag --legacy"
    assert config_module._config is None


def test_get_config_loads_once(config_file: Path, tmp_path: Path) -> None:
    """The first call decides, later arguments have no effect, reset_config starts again."""
    config_file.write_text("promotion.threshold = 9\n", encoding="utf-8")
    first = get_config(tmp_path / "my.db")
    assert (first.promotion_threshold, first.db_path) == (9.0, tmp_path / "my.db")
    assert get_config(tmp_path / "other.db", force_global=True) is first
    reset_config()
    assert get_config() is not first
    own = Config()
    set_config(own)
    assert get_config() is own
    config_module._config = None
    assert get_config() is not own


# --- writing --------------------------------------------------------------------------------------------------------

LAYOUT = """\
# My settings
data_dir = "~/notes"  # on the big disk

[promotion]
threshold = 60  # generous
mine = "kept"

[future]
x = 1
"""


def test_a_rewrite_keeps_what_it_does_not_change(config_file: Path) -> None:
    """Comments, layout, order and unknown keys stay; tables merge one level deep."""
    config_file.write_text(LAYOUT, encoding="utf-8")
    assert save_config_to_toml(config_file.parent, {"promotion": {"threshold": 0}, "debug": True})
    expected = LAYOUT.replace("threshold = 60", "threshold = 0")
    expected = expected.replace("# on the big disk\n", "# on the big disk\ndebug = true\n")
    assert config_file.read_text(encoding="utf-8") == expected
    assert stat.S_IMODE(config_file.stat().st_mode) == 0o600


def test_tables_merge_one_level_deep(config_file: Path) -> None:
    """A table within a table is replaced whole, as in 0.3."""
    save_config_to_toml(config_file.parent, {"ui": {"column_widths": {"a": 1}, "detail_panel_ratio": 2.0}})
    save_config_to_toml(config_file.parent, {"ui": {"column_widths": {"b": 2}}})
    assert load_config_from_toml(config_file.parent) == {"ui": {"column_widths": {"b": 2}, "detail_panel_ratio": 2.0}}


def test_none_removes(config_file: Path) -> None:
    """A reset can take a key, or a table, out of the file."""
    config_file.write_text(LAYOUT, encoding="utf-8")
    assert save_config_to_toml(config_file.parent, {"promotion": {"threshold": None}, "future": None, "absent": None})
    assert load_config_from_toml(config_file.parent) == {"data_dir": "~/notes", "promotion": {"mine": "kept"}}


def test_a_malformed_file_is_not_destroyed(config_file: Path) -> None:
    """Saving fails and says why, the user's text stays."""
    config_file.write_text("threshold = \n", encoding="utf-8")
    assert not save_config_to_toml(config_file.parent, {"promotion": {"threshold": 1}})
    assert config_file.read_text(encoding="utf-8") == "threshold = \n"


def test_saving_creates_the_directory_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    """A new directory is private, and holds config.toml alone, also after a failure."""
    directory = tmp_path / "new" / "rekall"
    assert save_config_to_toml(directory, {"debug": True})
    assert not save_config_to_toml(directory, {"debug": object()})
    assert [path.name for path in directory.iterdir()] == ["config.toml"]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    (directory / "other").mkdir()
    (directory / "other/config.toml").mkdir()
    assert not save_config_to_toml(directory / "other", {"debug": True})


def test_a_linked_file_stays_a_link(config_file: Path, tmp_path: Path) -> None:
    """People keep config.toml in a repository of dot files."""
    real = tmp_path / "dotfiles.toml"
    real.write_text("# mine\n", encoding="utf-8")
    config_file.symlink_to(real)
    assert save_config_to_toml(config_file.parent, {"debug": True})
    assert config_file.is_symlink()
    assert real.read_text(encoding="utf-8") == "# mine\ndebug = true\n"


def test_promotion_settings_are_saved_and_live(config_file: Path) -> None:
    """Only what is given is written, and zero is a value."""
    assert set_promotion_config()
    assert not config_file.exists()
    assert set_promotion_config(threshold=0, max_projects=3)
    assert load_config_from_toml(config_file.parent) == {"promotion": {"threshold": 0, "max_projects": 3}}
    assert (get_config().promotion_threshold, get_config().promotion_max_projects) == (0, 3)
    assert get_config().origins["promotion.threshold"] == f"file {config_file}"


def test_autoscan_settings_are_saved_and_live(config_file: Path) -> None:
    """The connectors travel as text in the file and as a list in Python; False is a value."""
    assert get_autoscan_config() == AutoscanConfig()
    assert set_autoscan_config(enabled=False, connectors=["cursor", "claude"])
    assert load_config_from_toml(config_file.parent) == {"autoscan": {"enabled": False, "connectors": "cursor,claude"}}
    assert get_autoscan_config() == AutoscanConfig(False, 5.0, ["cursor", "claude"])
    get_config().autoscan_connectors = " a ,, b"
    assert get_autoscan_config().connectors == ["a", "b"]


def test_the_live_settings_change_even_if_saving_fails(config_file: Path) -> None:
    """As in 0.3: this process goes on with the new value, and the origin says that it is not in the file."""
    get_config()
    config_file.write_text("broken", encoding="utf-8")
    assert not set_autoscan_config(interval_hours=1.0)
    assert get_config().autoscan_interval_hours == 1.0
    assert get_config().origins["autoscan.interval_hours"] == "set in this process"


# --- describe -------------------------------------------------------------------------------------------------------


def test_describe_lists_everything_in_a_stable_order(config_file: Path) -> None:
    """The keys of 0.3 in their recorded order, the newer keys, the four paths; each with value and origin."""
    config = load(config_file, "debug = true\npromotion.threshold = 1\n")
    settings = describe(config)
    new = ["debug", "debug_file", "debug_format"]
    new += ["backends.database", "backends.cache", "backends.database_options", "backends.cache_options"]
    new += ["backends.cache_on_error"]
    paths = ["paths.config", "paths.data", "paths.cache", "paths.database"]
    assert [setting.key for setting in settings] == [dotted(fact) for fact in OLD_KEYS] + new + paths
    assert {setting.key: setting.origin for setting in settings} == config.origins
    assert Setting("debug", True, f"file {config_file}") in settings
    assert Setting("backends.database", "sqlite", "default") in settings
    assert Setting("paths.config", str(config_file.parent), "default") in settings
    json.dumps([dataclasses.asdict(setting) for setting in settings])


def test_describe_tells_what_chose_the_paths(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """data_dir shows its file, REKALL_HOME its variable."""
    settings = {setting.key: setting for setting in describe(load(config_file, 'data_dir = "~/notes"'))}
    notes = str(Path.home() / "notes")
    assert settings["data_dir"] == Setting("data_dir", notes, f"file {config_file}")
    assert settings["paths.data"] == Setting("paths.data", notes, f"file {config_file} (data_dir)")
    assert settings["paths.config"].origin == "default"
    monkeypatch.setenv("REKALL_HOME", "here")
    settings = {setting.key: setting for setting in describe(load_config())}
    assert settings["data_dir"] == Setting("data_dir", None, "default")
    assert settings["paths.database"] == Setting(
        "paths.database", str(Path("here/knowledge.db")), "environment REKALL_HOME"
    )


def test_passwords_are_not_shown(config_file: Path) -> None:
    """Options are shown without passwords, and not at all in the repr."""
    config = load(
        config_file,
        '[backends.cache_options]\nurl = "redis://me:s3cret@host:6379/0"\npassword = "s3cret"\n'
        'nodes = ["http://a", "http://:s3cret@b"]\n',
    )
    shown = {setting.key: setting.value for setting in describe(config)}["backends.cache_options"]
    assert shown == {
        "url": "redis://me:***@host:6379/0",
        "password": "***",
        "nodes": ["http://a", "http://:***@b"],
    }
    assert "s3cret" not in repr(config)
    assert "s3cret" in config.cache_options.values()


# --- cost -----------------------------------------------------------------------------------------------------------


def test_loading_without_a_file_imports_no_toml_library(tmp_path: Path) -> None:
    """Start-up is a feature: no parser, writer or platform library for somebody who has no config.toml."""
    code = (
        "import sys, rekall.config; rekall.config.load_config();"
        "print([name for name in ('tomllib', 'tomli', 'tomlkit', 'platformdirs', 'difflib', 'tempfile', 'shutil',"
        " 'logging', 'pydantic', 'rich') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(rekall.__file__).parents[1]), "REKALL_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
