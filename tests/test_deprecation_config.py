"""A deprecated key of config.toml: its value is taken, and the warning names the file and the line."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from support.command_line import CommandLine, run_program

from rekall.config import Config, apply_toml_config, load_config
from rekall.config_file import line_of
from rekall.config_keys import KEYS, OLDER_KEYS, read_keys
from rekall.deprecation import Deprecation, RekallDeprecationWarning, register
from rekall.errors import ConfigError

VALUES = {"boolean": "true", "integer": "7", "number": "0.5", "text": '"x"', "table": "{ a = 1 }"}
ROWS = {
    "promotion.limit": Deprecation("promotion.limit", "config key", "1.0", "3.0", "promotion.threshold"),
    "old_table.ratio": Deprecation("old_table.ratio", "config key", "1.0", "3.0", "ui.detail_panel_ratio"),
}
OLDER = {"promotion.limit": "promotion.threshold", "old_table.ratio": "ui.detail_panel_ratio"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config.toml of the configured home, not there yet."""
    monkeypatch.setenv("REKALL_HOME", str(tmp_path))
    return tmp_path / "config.toml"


@pytest.mark.parametrize("old", OLDER_KEYS)
def test_every_older_key_is_read_as_the_newer_one(old: str, file: Path) -> None:
    """Its value arrives, with one Python warning at its line and one line for a person."""
    row = register()[old]
    (key,) = [key for key in KEYS if key.dotted == OLDER_KEYS[old]]
    file.write_text(f"# a comment about {old}\n\n{old} = {VALUES[key.kind]}\n")
    with pytest.warns(RekallDeprecationWarning) as caught:
        config = load_config()
    (warning,) = caught
    assert (warning.filename, warning.lineno) == (str(file), 3)
    assert isinstance(warning.message, RekallDeprecationWarning)
    assert warning.message.row is row
    assert row.kind == "config key"
    assert config.warnings == [
        f"{file}:3: {old} is deprecated since Rekall {row.since} and goes in {row.removal}: use {row.replacement}"
    ]
    assert getattr(config, key.attribute) != getattr(Config(), key.attribute)
    assert config.origins[key.dotted] == f"file {file}"


@pytest.mark.parametrize("text", ["debug = false\ndebug_backends = true\n", "debug_backends = true\ndebug = false\n"])
def test_the_newer_key_wins(text: str, file: Path) -> None:
    """Whatever their order, and it is said."""
    file.write_text(text)
    with pytest.warns(RekallDeprecationWarning):
        config = load_config()
    assert not config.debug
    (line,) = config.warnings
    assert line.startswith(f"{file}:{1 + text.split().index('debug_backends') // 3}: debug_backends is deprecated ")
    assert line.endswith(": use debug; it is ignored, debug is set too")


def test_a_mistake_in_the_value_is_told_of_the_key_that_is_there(file: Path) -> None:
    """Not of one that the file does not have."""
    file.write_text('debug_backends = "yes"\n')
    with pytest.raises(ConfigError, match="debug_backends is text, a boolean is needed"):
        load_config()


def test_other_warnings_stay_a_line_of_their_own(file: Path) -> None:
    """Reading the same file again adds none."""
    file.write_text("colour = 1\ndebug_backends = true\n")
    with pytest.warns(RekallDeprecationWarning):
        config = load_config()
    with pytest.warns(RekallDeprecationWarning):
        apply_toml_config(config)
    assert len(config.warnings) == 2
    assert config.warnings[1] == f"{file}: unknown key colour"


def test_the_attribute_of_python_does_not_warn() -> None:
    """`Config.debug_backends` is what 0.3 had, and stays."""
    config = Config(debug_backends=True)
    assert config.debug_backends
    assert config.debug


def test_people_see_it_on_the_command_line(file: Path) -> None:
    """One line on stderr, JSON staying JSON; Python's own warning only where it is asked for."""
    file.write_text('debug_backends = false\ndebug_file = "debug.log"\n')
    done = run_program("config", "--json")
    line = f"{file}:1: debug_backends is deprecated since Rekall 1.0 and goes in 3.0: use debug"
    assert done.stderr.decode() == f"rekall: warning: {line}\n"
    assert json.loads(done.stdout)["warnings"] == [line]
    asked = run_program("config", "--json", environment={"PYTHONWARNINGS": "default"})
    assert f"{file}:1: RekallDeprecationWarning: debug_backends is deprecated" in asked.stderr.decode()


def test_doctor_tells(file: Path) -> None:
    """It is where people look when something is odd."""
    file.write_text("debug_backends = false\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RekallDeprecationWarning)
        result = CommandLine()("doctor")
    assert f"{file}:1: debug_backends is deprecated" in " ".join(result.output.split())


def test_a_key_of_a_table_and_a_table_that_is_gone(file: Path) -> None:
    """Aliases reach into tables, also into one that no newer key is in; what else that one holds stays unknown."""
    text = "[promotion]\nlimit = 5\n[old_table]\nratio = 2\nother = 1\n"
    file.write_text(text)
    data = {"promotion": {"limit": 5}, "old_table": {"ratio": 2, "other": 1}}
    with pytest.warns(RekallDeprecationWarning) as caught:
        values, lines = read_keys(data, file, older=OLDER, rows=ROWS)
    assert [(key.dotted, value) for key, value in values] == [
        ("promotion.threshold", 5.0),
        ("ui.detail_panel_ratio", 2.0),
    ]
    assert [warning.lineno for warning in caught] == [2, 4]
    assert [line.partition(" is deprecated")[0] for line in lines] == [
        f"{file}:2: promotion.limit",
        f"{file}:4: old_table.ratio",
        f"{file}: unknown key old_table.other",
    ]


@pytest.mark.parametrize(
    ("text", "section", "line"),
    [
        ("key = 1", "", 1),
        ("# key\n\nkey = 1", "", 3),
        ("a = '''\nkey = 1\n'''\nkey = 2\n", "", 4),
        ("key = [\n 1,\n]\n", "", 1),
        ("a = 1\nkey = '''\n\n'''\nb = 2\n", "", 2),
        ("[other]\nkey = 1\n[table]\nkey = 2\n", "table", 4),
        ("other.key = 1\ntable.key = 2\n", "table", 2),
        ("table = { other = 1, key = 2 }\n", "table", 1),
        ("key = 1\r\n[table]\r\nkey = 2\r\n", "table", 3),
        ("\ufeff'key' = 1\n", "", 1),
        ("a = 1\n[key]\nb = 1\n", "", 2),
        ('a = 1\n"k\\u0065y" = 1\n', "", 2),
        ("a = 1\ntable = { b = '''\nkey\n''', key = 1 }\n", "table", 2),
        ("a = [\n'key',\n]\nb = [\n'\\',\n]\n\n# key\nkey = 1\n", "", 9),
        ('a = 1\n"k\\u0065y" = 1\nb = "key"\n', "", 2),
        ("table.a = 1\n[table.key]\nb = 1\n", "table", 2),
    ],
)
def test_the_line_of_a_key(text: str, section: str, line: int, tmp_path: Path) -> None:
    """In every way of TOML to write one, also where its name is behind escapes or stands in other values too."""
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode())
    assert line_of(file, section, "key") == line
