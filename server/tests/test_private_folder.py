"""The folder of a process: who begins at the same moment, and file systems without locks."""

from __future__ import annotations

import errno
import functools
import os
import sys
import tempfile
from pathlib import Path

import pytest

from rekall_server.private_folder import private_folder

if sys.platform == "win32":
    pytest.skip("there are no locks of folders", allow_module_level=True)
import fcntl

PREFIX = "rekall-test-"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_a_folder_that_was_left_is_removed_and_one_in_use_is_not(temporary: Path) -> None:
    """Of this kind, and no other."""
    (temporary / "rekall-test-left").mkdir()
    (temporary / "rekall-test-left" / "file").touch()
    (temporary / "other-left").mkdir()
    with private_folder(PREFIX) as first, private_folder(PREFIX) as second:
        assert first.stat().st_mode & 0o777 == 0o700
        assert set(temporary.iterdir()) == {first, second, temporary / "other-left"}
    assert list(temporary.iterdir()) == [temporary / "other-left"]


@pytest.mark.parametrize("moment", ["made", "open"])
def test_one_that_another_takes_for_left_is_made_again(
    moment: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who begins at the same moment removes it before it has a lock, or just before the lock is got."""

    @functools.cache  # the first time only
    def remove() -> None:
        for folder in temporary.iterdir():
            folder.rmdir()

    if moment == "made":
        make = tempfile.mkdtemp

        def made(prefix: str) -> str:
            folder = make(prefix=prefix)
            remove()
            return folder

        monkeypatch.setattr(tempfile, "mkdtemp", made)
    else:
        lock = fcntl.flock

        def locked(descriptor: int, how: int) -> None:
            remove()
            lock(descriptor, how)

        monkeypatch.setattr(fcntl, "flock", locked)
    before = descriptors()
    with private_folder(PREFIX) as folder:
        assert list(temporary.iterdir()) == [folder]
        assert descriptors() == before + 1
    assert descriptors() == before


def test_a_file_system_without_locks(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is there; what others have left stays, for nobody knows whether it is in use."""

    def refused(_descriptor: int, _how: int) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(fcntl, "flock", refused)
    left = temporary / "rekall-test-left"
    left.mkdir()
    before = descriptors()
    with private_folder(PREFIX) as folder:
        assert set(temporary.iterdir()) == {folder, left}
    assert list(temporary.iterdir()) == [left]
    assert descriptors() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user")
def test_a_folder_of_another_user_stays(temporary: Path) -> None:
    """Root may remove it, and does not."""
    other = temporary / "rekall-test-other"
    other.mkdir()
    os.chown(other, 65534, 65534)
    with private_folder(PREFIX):
        assert other.exists()
