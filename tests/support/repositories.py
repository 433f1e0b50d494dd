"""Real git repositories for tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_AUTHOR = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]


def git(folder: Path, *question: str) -> str:
    """Run git in a folder, without the settings of the machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *_AUTHOR, *question], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def repository(folder: Path, *committed: str) -> Path:
    """A repository with these files in its first commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    for name in committed:
        write(folder, name)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Begin")
    return folder


def write(folder: Path, name: str, text: str = "first\n") -> Path:
    """A file in a folder, with the folders that it needs."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
