"""The conformance kit: an author's back end is right when a class of three lines passes (docs/backends.md).

It needs pytest, which Rekall itself does not install.
"""

from rekall.testing.cache import CacheConformance
from rekall.testing.contract import contract
from rekall.testing.database import DatabaseConformance

__all__ = ["CacheConformance", "DatabaseConformance", "contract"]
