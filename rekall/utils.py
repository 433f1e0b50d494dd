"""The path under which Rekall 0.3 had what is now in `rekall.urls` and `rekall.permissions`.

The names still work here, each with a warning that says where it is.
"""

from __future__ import annotations

from rekall.constants import FILE_PERMISSIONS
from rekall.deprecation import moved_names

__all__ = ["FILE_PERMISSIONS"]

moved_names(__name__)
