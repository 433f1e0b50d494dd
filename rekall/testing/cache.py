"""What a cache back end promises, checked: an author subclasses `CacheConformance` in three lines."""

from __future__ import annotations

from rekall.testing.cache_lifetimes import LifetimeChecks
from rekall.testing.cache_process import ProcessChecks
from rekall.testing.cache_storage import StorageChecks
from rekall.testing.cache_values import ValueChecks


class CacheConformance(ValueChecks, LifetimeChecks, StorageChecks, ProcessChecks):
    """Every check of a cache back end; see `Conformance` and `CacheFrame` for what a subclass states and overrides."""
