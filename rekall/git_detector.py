"""Which files of a git repository have changed, asked of git itself.

The repository may be anyone's: no program that its configuration names is run, nothing is fetched, and nothing in it
is written. Filters of the user's own configuration are run: without those of LFS every large file would count as
changed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
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
_FILTERS = ["config", "--includes", "--show-scope", "--name-only", "-z", "--get-regexp", r"^filter\."]
_OF_THE_REPOSITORY = ("local", "worktree")
"""Scopes of settings that come with a repository."""
_NO_REPOSITORY = ("not a git repository", "must be run in a work tree")
_NOT_HANDED_ON = {
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
}
"""Variables that a git hook or an editor hands on: they would win over what is asked."""
_VARIABLES = {
    "GIT_ALLOW_PROTOCOL": "",  # a partial clone would fetch what it lacks, by a program that its configuration names
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


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
        GitError: it could not be started in this folder, or refuses to read the repository.
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
    question = [*_without_filters(cwd, timeout), "status", "--porcelain=v1", "-z", *options]
    records = iter(_git(question, cwd, timeout))
    changes = []
    for record in records:
        state, name = record[:2], record[3:]
        changes.append((state, name))
        if _RENAMED & set(state):
            next(records, None)  # the name it had
    return changes


def _without_filters(cwd: Path | None, timeout: float) -> list[str]:
    """Options that switch off the filters which the configuration of the repository defines."""
    answer = _git(_FILTERS, cwd, timeout)
    options: list[str] = []
    for scope, setting in zip(answer[::2], answer[1::2], strict=True):
        name = setting.rpartition(".")[0]
        if scope not in _OF_THE_REPOSITORY:
            continue
        if "=" in name:  # an option would end there
            raise GitError(f"the repository of {_place(cwd)} defines the filter {name!r}, which cannot be switched off")
        for value in ("clean=", "process=", "required=false"):
            options += ["-c", f"{name}.{value}"]
    return options


def _filtered(files: Iterable[str], filter_binary: bool) -> list[str]:
    kept = filter_ignored_paths(list(dict.fromkeys(files)))
    return filter_binary_files(kept) if filter_binary else kept


def _git(question: list[str], cwd: Path | None, timeout: float) -> list[str]:
    """What git answers, taken apart at each zero byte; nothing outside a repository."""
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    try:
        process = subprocess.Popen(
            ["git", "--no-pager", *_SETTINGS, *question],
            cwd=cwd,
            env=environment | _VARIABLES,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if cwd is None or Path(cwd).is_dir():
            raise GitNotAvailable("there is no git on this machine: install it, or name the files yourself") from error
        raise GitError(f"there is no folder {_place(cwd)}") from error
    except (OSError, ValueError) as error:
        raise GitError(f"git cannot be run in {_place(cwd)}: {error}") from error
    with process:
        try:
            answer, complaint = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            _end(process)
            raise GitTimeout(f"git did not answer within {timeout:g} seconds in {_place(cwd)}") from error
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        _refused(os.fsdecode(complaint), cwd)
        return []
    return [name for name in os.fsdecode(answer).split("\0") if name]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git with the programs that it started, such as a filter: each would go on alone."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: not permitted once all have ended
        os.killpg(process.pid, signal.SIGKILL)


def _refused(complaint: str, cwd: Path | None) -> None:
    """Raise what git complains of, unless it is only that there is no repository, or nothing to tell."""
    lines = complaint.splitlines()
    if not lines or any(words in complaint for words in _NO_REPOSITORY):
        return
    reason = next((line for line in lines if line.startswith("fatal: ")), lines[0])
    raise GitError(f"git refuses to answer in {_place(cwd)}: {reason.removeprefix('fatal: ')}")


def _place(cwd: Path | None) -> str:
    return "this folder" if cwd is None else str(cwd)
