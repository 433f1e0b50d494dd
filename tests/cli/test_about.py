"""`rekall config`, `changelog` and `mcp --print-config`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import CommandLine


def test_config_says_where_values_come_from(
    cli: CommandLine, context_optional: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each key has a line with its value and its origin; --show changes nothing."""
    monkeypatch.setenv("REKALL_DEBUG", "0")
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in cli.ok("config", "--show").splitlines()}
    assert rows["smart_embeddings.context_mode"][0] == "optional"
    assert rows["smart_embeddings.context_mode"][1].endswith("config.toml")
    assert rows["debug"] == ["false", "environment REKALL_DEBUG"]
    assert rows["promotion.threshold"] == ["70.0", "default"]
    assert rows["paths.database"][1] == "environment REKALL_HOME"
    assert cli.ok("config") == cli.ok("config", "--show")


def test_config_as_json(cli: CommandLine) -> None:
    """The JSON keeps the types of the values."""
    settings = {row["key"]: row["value"] for row in cli.json("config")["settings"]}
    assert settings["autoscan.enabled"] is True
    assert settings["performance.cache_max_size"] == 1000


def test_config_creates_no_base(cli: CommandLine) -> None:
    """Looking at the configuration makes nothing."""
    cli.ok("config")
    assert "No base yet" in cli.ok("version")


def test_a_doubtful_configuration_warns(cli: CommandLine, home: Path) -> None:
    """An unknown key in one of 0.3's sections is one warning on stderr for every command."""
    file = home / "config.toml"
    file.write_text("[promotion]\nthreshhold = 3\n", encoding="utf-8")
    file.chmod(0o600)
    result = cli("browse")
    assert result.exit_code == 0
    assert result.stderr.count("rekall: warning: ") == 1
    assert "threshhold" in result.stderr


def test_changelog(cli: CommandLine) -> None:
    """All of it, one version in any case, or a version that it does not have."""
    everything = cli.ok("changelog")
    assert everything.startswith("# Changelog")
    one = cli.ok("changelog", "UNRELEASED")
    assert one.startswith("## [Unreleased]")
    assert one in everything
    assert cli.json("changelog", "unreleased")["versions"][0]["version"] == "Unreleased"
    assert "no version 99.0" in cli.fails("changelog", "99.0")


@pytest.mark.parametrize("name", ["mcp", "mcp-server"])
def test_print_config(cli: CommandLine, name: str) -> None:
    """Each client has its lines; an unknown one is refused with those that are known."""
    from rekall.mcp.clients import CLIENTS

    for client in CLIENTS:
        assert '"rekall"' in cli.ok(name, "--print-config", client)
        assert cli.json(name, "--print-config", client)["client"] == client
    assert "cursor" in cli.fails(name, "--print-config", "cursr")
