"""What the tests of the command line share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.command_line import CommandLine


@pytest.fixture
def cli() -> CommandLine:
    """The command line in this process, on a base of its own that is not there yet."""
    return CommandLine()


@pytest.fixture
def home() -> Path:
    """The directory of that base, made."""
    path = Path(os.environ["REKALL_HOME"])
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@pytest.fixture
def context_optional(home: Path) -> None:
    """A configuration under which entries need no context."""
    file = home / "config.toml"
    file.write_text('[smart_embeddings]\ncontext_mode = "optional"\n', encoding="utf-8")
    file.chmod(0o600)
