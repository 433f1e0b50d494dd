"""`sources promotion-config` and `autoscan-config`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.command_line import CommandLine, one_error_line, run_program

from rekall.config import get_config, reset_config

DEFAULTS = {
    "threshold": 70.0,
    "near_threshold_pct": 0.8,
    "weights": {"citation": 0.4, "project": 0.3, "recency": 0.3},
    "recency_half_life_days": 30.0,
    "caps": {"max_citations": 10, "max_projects": 5},
}


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine()


def answer(cli: CommandLine, *args: str) -> Any:
    reset_config()
    return json.loads(cli.ok("sources", *args))


def config_text() -> str:
    return (get_config().config_dir / "config.toml").read_text(encoding="utf-8")


def test_the_defaults_are_those_of_0_3(cli: CommandLine) -> None:
    """Showing writes nothing."""
    assert answer(cli, "promotion-config") == DEFAULTS
    assert answer(cli, "autoscan-config") == {"enabled": True, "interval_hours": 5.0, "connectors": ["cursor"]}
    assert not (get_config().config_dir / "config.toml").exists()


@pytest.mark.fault(42)
def test_a_threshold_of_0_is_a_threshold(cli: CommandLine) -> None:
    """0.3 took it for none given; -h is the half life, as there."""
    changed = answer(cli, "promotion-config", "-t", "0", "-h", "7.5", "-c", "0.5")
    assert (changed["threshold"], changed["recency_half_life_days"], changed["status"]) == (0.0, 7.5, "updated")
    assert changed["weights"] == {"citation": 0.5, "project": 0.3, "recency": 0.3}
    assert answer(cli, "promotion-config") == {key: value for key, value in changed.items() if key != "status"}


@pytest.mark.fault(42)
def test_reset_takes_the_settings_out_of_the_file(cli: CommandLine) -> None:
    """What else is there stays, comments too; a setting given with it counts."""
    answer(cli, "promotion-config", "-t", "50")
    path = get_config().config_dir / "config.toml"
    path.write_text(f"# mine\ndebug = false\n{config_text()}", encoding="utf-8")
    path.chmod(0o600)
    assert answer(cli, "promotion-config", "--reset") == {**DEFAULTS, "status": "updated"}
    assert config_text().startswith("# mine\ndebug = false")
    assert "promotion" not in config_text()
    answer(cli, "promotion-config", "-t", "50")
    assert answer(cli, "promotion-config", "--reset", "-p", "1")["weights"]["project"] == 1.0
    assert answer(cli, "promotion-config")["threshold"] == 70.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["promotion-config", "-t", "101"], "threshold 101 is out of range"),
        (["promotion-config", "-t", "nan"], "threshold nan is out of range"),
        (["promotion-config", "-r", "-0.1"], "recency weight -0.1 is out of range"),
        (["promotion-config", "-h", "0"], "half life 0 is out of range"),
        (["autoscan-config", "-i", "0"], "interval 0 is out of range"),
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str], words: str, cli: CommandLine) -> None:
    """Nothing is written."""
    assert words in cli.fails("sources", *options)
    assert not (get_config().config_dir / "config.toml").exists()


def test_what_cannot_be_saved_is_one_line(cli: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It names the file and the reason; nothing is said to be changed."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("REKALL_HOME", str(tmp_path / "file" / "inside"))
    for options in (["promotion-config", "-t", "5"], ["autoscan-config", "-i", "5"]):
        run = run_program("sources", *options)
        assert (run.returncode, run.stdout) == (1, b"")
        assert "config.toml: Not a directory" in one_error_line(run.stderr.decode())


def test_a_change_without_a_word(cli: CommandLine) -> None:
    """--no-show writes the settings and prints nothing."""
    assert cli.ok("sources", "promotion-config", "--no-show", "-t", "12") == ""
    assert cli.ok("sources", "autoscan-config", "--no-show", "-i", "3") == ""
    assert answer(cli, "promotion-config")["threshold"] == 12.0
    assert answer(cli, "autoscan-config")["interval_hours"] == 3.0


def test_autoscan(cli: CommandLine) -> None:
    """On or off, how often, and what."""
    changed = answer(cli, "autoscan-config", "--disabled", "-i", "12", "-c", "cursor, claude,")
    assert changed == {
        "enabled": False,
        "interval_hours": 12.0,
        "connectors": ["cursor", "claude"],
        "status": "updated",
    }
    assert answer(cli, "autoscan-config", "--enabled")["enabled"] is True
    assert answer(cli, "autoscan-config")["connectors"] == ["cursor", "claude"]
