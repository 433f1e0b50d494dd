"""Changed files, asked of a real git in real repositories."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from support.repositories import git, repository, write

from rekall.errors import RekallError
from rekall.git_detector import (
    BINARY_EXTENSIONS,
    IGNORE_PATTERNS,
    GitError,
    GitNotAvailable,
    GitTimeout,
    _get_staged_files,
    _get_unstaged_files,
    filter_binary_files,
    filter_ignored_paths,
    get_all_changes,
    get_modified_files,
    get_untracked_files,
    is_git_repo,
)


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A repository with something of everything."""
    folder = repository(tmp_path / "repo", "kept.py", "edited.py", "both.py", "removed.py", "old.py", "sub/deep.py")
    write(folder, "edited.py", "second\n")
    write(folder, "both.py", "second\n")
    write(folder, "staged.py")
    git(folder, "add", "both.py", "staged.py")
    write(folder, "both.py", "third\n")
    git(folder, "mv", "old.py", "new.py")
    (folder / "removed.py").unlink()
    write(folder, "sub/deep.py", "second\n")
    write(folder, "sub/unknown.py")
    write(folder, "ignored.py")
    write(folder, ".gitignore", "ignored.py\n")
    write(folder, "picture.PNG")
    write(folder, "node_modules/x.js")
    return folder


@pytest.mark.parametrize("inside", ["", "sub"])
def test_changes_of_the_whole_repository(inside: str, changed: Path) -> None:
    """From whatever folder of it: staged ones, those that are not, those git does not know; paths from its root."""
    cwd = changed / inside
    assert get_all_changes(cwd) == {
        "staged": ["both.py", "new.py", "staged.py"],
        "unstaged": ["both.py", "edited.py", "removed.py", "sub/deep.py"],
        "untracked": [".gitignore", "sub/unknown.py"],
    }
    assert get_modified_files(cwd) == [
        "both.py",
        "new.py",
        "staged.py",
        "edited.py",
        "removed.py",
        "sub/deep.py",
    ]
    assert get_modified_files(cwd, include_unstaged=False) == _get_staged_files(cwd, 5.0)
    assert get_modified_files(cwd, include_staged=False) == _get_unstaged_files(cwd, 5.0)
    assert get_modified_files(cwd, include_staged=False, include_unstaged=False) == []
    assert "picture.PNG" in get_untracked_files(cwd, filter_binary=False)
    assert is_git_repo(cwd)


def test_the_folder_of_the_process_is_asked_about(changed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When none is given."""
    monkeypatch.chdir(changed / "sub")
    assert is_git_repo()
    assert get_untracked_files() == [".gitignore", "sub/unknown.py"]


def test_before_the_first_commit(tmp_path: Path) -> None:
    """What is staged differs from nothing."""
    git(tmp_path, "init", "-q")
    write(tmp_path, "a.py")
    write(tmp_path, "b.py")
    git(tmp_path, "add", "a.py")
    assert get_all_changes(tmp_path) == {"staged": ["a.py"], "unstaged": [], "untracked": ["b.py"]}


def test_any_name_of_a_file(tmp_path: Path) -> None:
    """Blanks, quotes, line breaks, other alphabets, bytes that are no text, names that look like options."""
    folder = repository(tmp_path / "repo")
    names = [" a b.py", 'q"uo.py', "li\nne.py", "Grüße ☃.py", os.fsdecode(b"\xff.py"), "-x.py", "*.py", ":(top).py"]
    for name in names:
        write(folder, name)
    assert sorted(get_untracked_files(folder)) == sorted(names)
    git(folder, "add", "-A")
    assert sorted(get_modified_files(folder)) == sorted(names)


def test_outside_a_repository_there_is_nothing(tmp_path: Path) -> None:
    """No error: a folder need not be one. A folder that is not there is an error."""
    assert not is_git_repo(tmp_path)
    assert get_all_changes(tmp_path) == {"staged": [], "unstaged": [], "untracked": []}
    for folder in (tmp_path / "none", write(tmp_path, "file"), Path("a\0b")):
        assert not is_git_repo(folder)
        with pytest.raises(GitError):
            get_modified_files(folder)


def test_settings_and_variables_change_nothing(changed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook's variables name another repository, the configuration asks for relative paths and shows no new files."""
    other = repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    before = get_all_changes(changed / "sub")
    for setting in ("diff.relative true", "status.showUntrackedFiles no", "core.quotePath true", "color.ui always"):
        git(changed, "config", *setting.split())
    assert get_all_changes(changed / "sub") == before
    assert before["untracked"] == [".gitignore", "sub/unknown.py"]


def test_a_repository_runs_nothing_and_is_not_written(changed: Path, tmp_path: Path) -> None:
    """A monitor and a diff program that someone's configuration names stay unused; the index stays as it is."""
    trap = write(tmp_path, "trap", f"#!/bin/sh\ntouch {tmp_path}/caught\n")
    trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    write(changed, ".gitattributes", "*.py diff=trap\n")
    for name in ("core.fsmonitor", "diff.external", "diff.trap.command", "diff.trap.textconv", "core.pager"):
        git(changed, "config", name, str(trap))
    os.utime(changed / "kept.py", (1, 1))
    index = (changed / ".git/index").read_bytes()
    assert "edited.py" in get_modified_files(changed)
    assert "kept.py" not in get_modified_files(changed)
    get_untracked_files(changed)
    assert not (tmp_path / "caught").exists()
    assert (changed / ".git/index").read_bytes() == index


def test_without_git_there_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on the path: not a repository, and an error that is 0.3's and one of Rekall's."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not is_git_repo(tmp_path)
    with pytest.raises(GitNotAvailable, match="install it"):
        get_modified_files(tmp_path)
    assert issubclass(GitNotAvailable, GitError)
    assert issubclass(GitError, RekallError)


def test_a_git_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time given, and not later."""
    slow = write(tmp_path, "bin/git", f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent))
    with pytest.raises(GitTimeout, match=r"0\.2 seconds"):
        get_untracked_files(tmp_path, timeout=0.2)
    assert issubclass(GitTimeout, GitError)


def test_filters() -> None:
    """By ending in any case, by a name anywhere in the path; order kept, neighbours left alone."""
    assert filter_binary_files(["a.py", "b.PNG", "c.tar.gz", "x/.DS_Store", "yarn.lock", "lock", "png", "d.so.py"]) == [
        "a.py",
        "lock",
        "png",
        "d.so.py",
    ]
    assert filter_ignored_paths(
        ["src/a.py", "node_modules/x", "a/dist/b", "distance/b", ".env", ".env.md", "build"]
    ) == [
        "src/a.py",
        "distance/b",
        ".env.md",
    ]
    assert filter_ignored_paths(["a\\node_modules\\b.js", "a\\b.js"]) == ["a\\b.js"]
    assert (len(BINARY_EXTENSIONS), len(IGNORE_PATTERNS)) == (62, 13)
