"""Whether a file is there, where not being allowed to see it is no answer."""

from __future__ import annotations

from pathlib import Path


def may_be_there(path: Path) -> bool:
    """Whether there is something at a path, or may be: a folder that cannot be entered hides what is in it.

    Args:
        path: a link counts, whether it leads anywhere or not.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
