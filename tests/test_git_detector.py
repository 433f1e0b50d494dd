"""Changed files, asked of a real git in real repositories."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
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


def _trap(folder: Path, seconds: int = 0) -> Path:
    """A program that leaves its process id in the file `caught`, and takes its time."""
    trap = write(folder, "trap", f"#!/bin/sh\necho $$ > {folder}/caught\nexec sleep {seconds}\n")
    trap.chmod(0o755)
    return trap


@pytest.mark.parametrize("setting", ["filter.trap.clean", "filter.trap.process", "filter.a.b.clean"])
@pytest.mark.parametrize("included", [False, True])
def test_a_filter_of_the_repository_is_not_run(
    setting: str, included: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever its configuration has it from; the user's own is run, which those of LFS need."""
    folder = repository(tmp_path / "repo", "kept.py", "edited.py")
    section, name = setting.removeprefix("filter.").rpartition(".")[::2]
    write(folder, ".gitattributes", f"*.py filter={section}\n")
    settings = write(tmp_path, "settings", f'[filter "{section}"]\n{name} = {_trap(tmp_path)}\nrequired = true\n')
    if included:
        git(folder, "config", "include.path", str(settings))
    else:
        write(folder, ".git/config", (folder / ".git/config").read_text() + settings.read_text())
    write(folder, "edited.py", "other\n")
    os.utime(folder / "kept.py", (1, 1))
    assert get_modified_files(folder) == ["edited.py"]
    assert not (tmp_path / "caught").exists()
    git(folder, "config", "--local", "--remove-section", "include" if included else f"filter.{section}")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    with contextlib.suppress(GitError):  # the trap answers nothing that a filter may
        get_modified_files(folder)
    assert (tmp_path / "caught").exists()


def test_a_filter_that_cannot_be_switched_off_is_an_error(tmp_path: Path) -> None:
    """Its name would end the option too early."""
    folder = repository(tmp_path / "repo", "a.py")
    git(folder, "config", "filter.a=b.clean", str(_trap(tmp_path)))
    write(folder, ".gitattributes", "*.py filter=a=b\n")
    os.utime(folder / "a.py", (1, 1))
    with pytest.raises(GitError, match="switched off"):
        get_modified_files(folder)
    assert not (tmp_path / "caught").exists()


def test_nothing_is_fetched_into_a_partial_clone(tmp_path: Path) -> None:
    """Its configuration says by which program; that something is missing is an error, not an empty answer."""
    source = repository(tmp_path / "source")
    write(source, "a.py", "\n".join(map(str, range(50))))
    git(source, "add", "-A")
    git(source, "commit", "-q", "-m", "More")
    git(source, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", source.as_uri(), "clone")
    clone = tmp_path / "clone"
    git(clone, "config", "remote.origin.uploadpack", str(_trap(tmp_path)))
    git(clone, "config", "protocol.file.allow", "always")
    git(clone, "reset", "-q")
    git(clone, "rm", "-q", "--cached", "a.py")
    write(clone, "b.py", "\n".join(map(str, range(51))))  # as if renamed: git would compare the contents
    git(clone, "add", "b.py")
    with pytest.raises(GitError, match=r"git refuses to answer in .*clone"):
        get_modified_files(clone)
    assert not (tmp_path / "caught").exists()


def test_that_git_refuses_is_an_error(changed: Path) -> None:
    """A repository that cannot be read is not one without changes."""
    write(changed, ".git/index", "no index")
    with pytest.raises(GitError, match=r"git refuses to answer in .*index"):
        get_modified_files(changed)


def test_a_folder_of_git_itself_is_no_working_tree(changed: Path) -> None:
    """Nor is a bare repository: no error, as outside of one."""
    bare = changed.parent / "bare"
    git(changed.parent, "init", "-q", "--bare", "bare")
    for folder in (changed / ".git", bare):
        assert not is_git_repo(folder)
        assert get_all_changes(folder) == {"staged": [], "unstaged": [], "untracked": []}


def test_literal_paths_of_the_caller_change_nothing(changed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor may hand them on."""
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert "sub/unknown.py" in get_untracked_files(changed)


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


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups to end")
def test_what_git_started_is_ended_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that takes for ever does not go on alone."""
    folder = repository(tmp_path / "repo", "a.py")
    write(folder, ".gitattributes", "*.py filter=slow\n")
    os.utime(folder / "a.py", (1, 1))
    settings = write(tmp_path, "settings", f'[filter "slow"]\nclean = {_trap(tmp_path, 60)}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    with pytest.raises(GitTimeout):
        get_modified_files(folder, timeout=1)
    started = int((tmp_path / "caught").read_text())
    deadline = time.monotonic() + 5
    while _runs(started):
        assert time.monotonic() < deadline, "the filter was left behind"
        time.sleep(0.01)


def _runs(process: int) -> bool:
    """Whether it does; one that has ended and that nobody has waited for does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


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
