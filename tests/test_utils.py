"""The path of 0.3 for addresses and modes of files, and the modes."""

from __future__ import annotations

import importlib
import os
import stat
from pathlib import Path

import pytest
from support import processes

from rekall import permissions, urls, utils
from rekall.deprecation import RekallDeprecationWarning
from rekall.permissions import check_file_permissions, secure_file_permissions

MOVED = {
    "check_file_permissions": permissions,
    "secure_file_permissions": permissions,
    "extract_domain": urls,
    "extract_url_pattern": urls,
    "is_valid_url": urls,
    "normalize_url": urls,
}


@pytest.mark.parametrize("name", MOVED)
def test_what_moved_is_found_with_a_warning(name: str) -> None:
    """The same function, and the warning says where it is now."""
    with pytest.warns(RekallDeprecationWarning, match=f"use {MOVED[name].__name__}.{name}$"):
        assert getattr(utils, name) is getattr(MOVED[name], name)


def test_the_constant_stayed() -> None:
    """It is the mode that 0.3 gave, and asking for it warns of nothing; any other name is none."""
    assert importlib.import_module("rekall.utils").FILE_PERMISSIONS == 0o600
    assert not hasattr(utils, "format_date")


def test_a_search_loads_none_of_it() -> None:
    """It is not on the way of the command line."""
    modules = (
        "rekall.utils",
        "rekall.urls",
        "rekall.validators",
        "rekall.consolidation",
        "rekall.enrichment",
        "pydantic",
    )
    code = f"import sys, rekall.cli, rekall.db; print([name for name in {modules} if name in sys.modules])"
    assert processes.run(code) == "[]\n"


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_a_file_is_closed_to_others(tmp_path: Path) -> None:
    """Whatever its mode was; as text or as path; with another mode where one is given."""
    file = tmp_path / "file"
    file.touch(mode=0o644)
    file.chmod(0o644)
    assert not check_file_permissions(file)
    secure_file_permissions(str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert check_file_permissions(str(file))
    secure_file_permissions(file, 0o640)
    assert check_file_permissions(file, 0o640)
    assert not check_file_permissions(file)


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_a_mode_that_fits_is_not_written(tmp_path: Path) -> None:
    """The file of another user, or on a read-only medium, may have it already: changing it would tell by its ctime."""
    file = tmp_path / "file"
    file.touch(mode=0o600)
    before = file.stat().st_ctime_ns
    secure_file_permissions(file)
    assert file.stat().st_ctime_ns == before


def test_a_missing_file_is_left_missing(tmp_path: Path) -> None:
    """Nothing to close, nothing to complain of."""
    secure_file_permissions(tmp_path / "none")
    assert check_file_permissions(tmp_path / "none")
    assert not (tmp_path / "none").exists()
