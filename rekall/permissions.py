"""Who may read a file: a knowledge base is its owner's own."""

from __future__ import annotations

import stat
from pathlib import Path

from rekall.constants import FILE_PERMISSIONS


def secure_file_permissions(path: Path | str, mode: int = FILE_PERMISSIONS) -> None:
    """Give a file this mode, unless it has it or does not exist.

    Raises:
        OSError: the mode cannot be changed.
    """
    if not check_file_permissions(path, mode):
        Path(path).chmod(mode)


def check_file_permissions(path: Path | str, expected_mode: int = FILE_PERMISSIONS) -> bool:
    """Whether a file has this mode; one that does not exist has none to complain of."""
    try:
        return stat.S_IMODE(Path(path).stat().st_mode) == expected_mode
    except FileNotFoundError:
        return True
