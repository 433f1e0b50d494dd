"""Which files of a git repository have changed, asked of git itself.

The repository may be anyone's: no monitor and no diff program that its configuration names is run, and nothing in it is
written. Its filters are run: without those of LFS every large file would count as changed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from rekall.errors import RekallError

DEFAULT_TIMEOUT = 5.0

_BINARY = """
.png .jpg .jpeg .gif .bmp .ico .webp .svg .tif .tiff .psd .ai .eps
.mp3 .mp4 .m4a .m4v .avi .mov .mkv .wav .flac .ogg .webm
.zip .tar .gz .bz2 .xz .rar .7z .jar .war
.exe .dll .so .a .o .lib .bin .class .pyc .pyo
.pdf .doc .docx .xls .xlsx .ppt .pptx
.woff .woff2 .ttf .otf .eot
.db .sqlite .sqlite3 .dat .lmdb .lock .DS_Store
"""
BINARY_EXTENSIONS = set(_BINARY.split())
"""Endings of files that say nothing about a change: compared in any case."""

IGNORE_PATTERNS = {
    ".env",
    ".git",
    ".mypy_cache",
    ".next",
    ".nuxt",
    ".pytest_cache",
    ".venv",
    "__pycache__",
    "build",
    "coverage",
    "dist",
    "node_modules",
    "venv",
}
"""Names of folders and files that are made or private, wherever they stand in a path."""

_ENDINGS = tuple(ending.lower() for ending in BINARY_EXTENSIONS)
_WHOLE_TREE = ":/"
_IN_INDEX, _IN_TREE = 0, 1
"""Places of the two letters of a state."""
_RENAMED = {"R", "C"}
_SETTINGS = ["-c", "core.fsmonitor=false", "-c", "submodule.recurse=false"]
_PLACES = {
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
}
"""Variables that a git hook hands on: they would win over the folder that is asked about."""


class GitError(RekallError):
    """Git could not be asked."""


class GitNotAvailable(GitError):  # noqa: N818  # 0.3's name
    """There is no git on this machine."""


class GitTimeout(GitError):  # noqa: N818  # 0.3's name
    """Git did not answer in time; it was ended."""


def is_git_repo(cwd: Path | None = None) -> bool:
    """Whether the folder (that of the process if left out) lies in the working tree of a git repository."""
    try:
        return _git(["rev-parse", "--is-inside-work-tree"], cwd, DEFAULT_TIMEOUT) == ["true\n"]
    except GitError:
        return False


def get_modified_files(
    cwd: Path | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    include_staged: bool = True,
    include_unstaged: bool = True,
    filter_binary: bool = True,
) -> list[str]:
    """The tracked files of the whole repository that differ from the last commit, removed ones too.

    Args:
        cwd: a folder in the repository, that of the process if left out.
        timeout: seconds that git may take.
        include_staged: those that differ in the index.
        include_unstaged: those that differ from the index.
        filter_binary: leave out what `filter_binary_files` does.

    Returns:
        Paths from the root of the repository, staged ones first, each once and without those of
        `filter_ignored_paths`; empty outside a repository.

    Raises:
        GitNotAvailable: there is no git.
        GitTimeout: it did not answer in time.
        GitError: it could not be started in this folder.
    """
    if not (include_staged or include_unstaged):
        return []
    changes = _changes(cwd, timeout)
    staged = _changed(changes, _IN_INDEX) if include_staged else []
    return _filtered(staged + (_changed(changes, _IN_TREE) if include_unstaged else []), filter_binary)


def get_untracked_files(
    cwd: Path | None = None, timeout: float = DEFAULT_TIMEOUT, filter_binary: bool = True
) -> list[str]:
    """The files of the whole repository that git does not know and is not told to ignore; as `get_modified_files`."""
    question = ["ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", _WHOLE_TREE]
    return _filtered(_git(question, cwd, timeout), filter_binary)


def get_all_changes(
    cwd: Path | None = None, timeout: float = DEFAULT_TIMEOUT, filter_binary: bool = True
) -> dict[str, list[str]]:
    """The files under `staged`, `unstaged` and `untracked`; as `get_modified_files`."""
    changes = _changes(cwd, timeout)
    return {
        "staged": _filtered(_changed(changes, _IN_INDEX), filter_binary),
        "unstaged": _filtered(_changed(changes, _IN_TREE), filter_binary),
        "untracked": get_untracked_files(cwd, timeout, filter_binary),
    }


def filter_binary_files(files: list[str]) -> list[str]:
    """The files without those whose name ends in one of `BINARY_EXTENSIONS`."""
    return [file for file in files if not file.lower().endswith(_ENDINGS)]


def filter_ignored_paths(files: list[str]) -> list[str]:
    """The files without those that have one of `IGNORE_PATTERNS` in their path."""
    return [file for file in files if IGNORE_PATTERNS.isdisjoint(PurePosixPath(file.replace("\\", "/")).parts)]


def _get_staged_files(cwd: Path | None, timeout: float) -> list[str]:
    return _changed(_changes(cwd, timeout), _IN_INDEX)


def _get_unstaged_files(cwd: Path | None, timeout: float) -> list[str]:
    return _changed(_changes(cwd, timeout), _IN_TREE)


def _changed(changes: list[tuple[str, str]], where: int) -> list[str]:
    return [name for state, name in changes if state[where] != " "]


def _changes(cwd: Path | None, timeout: float) -> list[tuple[str, str]]:
    """Each tracked file that has changed, with two letters: how the index differs from the commit, the tree from it.

    `git diff` would tell the same, but it writes the index.
    """
    options = ["--untracked-files=no", "--ignore-submodules=all", "--find-renames", "--no-ahead-behind"]
    records = iter(_git(["status", "--porcelain=v1", "-z", *options], cwd, timeout))
    changes = []
    for record in records:
        state, name = record[:2], record[3:]
        changes.append((state, name))
        if _RENAMED & set(state):
            next(records, None)  # the name it had
    return changes


def _filtered(files: Iterable[str], filter_binary: bool) -> list[str]:
    kept = filter_ignored_paths(list(dict.fromkeys(files)))
    return filter_binary_files(kept) if filter_binary else kept


def _git(question: list[str], cwd: Path | None, timeout: float) -> list[str]:
    """What git answers, taken apart at each zero byte; nothing when it refuses, as outside a repository."""
    environment = {name: value for name, value in os.environ.items() if name not in _PLACES}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "--no-pager", *_SETTINGS, *question],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitTimeout(f"git did not answer within {timeout:g} seconds in {_place(cwd)}") from error
    except FileNotFoundError as error:
        if cwd is None or Path(cwd).is_dir():
            raise GitNotAvailable("there is no git on this machine: install it, or name the files yourself") from error
        raise GitError(f"there is no folder {_place(cwd)}") from error
    except (OSError, ValueError) as error:
        raise GitError(f"git cannot be run in {_place(cwd)}: {error}") from error
    if done.returncode:
        return []
    return [name for name in os.fsdecode(done.stdout).split("\0") if name]


def _place(cwd: Path | None) -> str:
    return "this folder" if cwd is None else str(cwd)
