"""What a database back end promises, checked: an author subclasses `DatabaseConformance` in three lines."""

from __future__ import annotations

from rekall.testing.database_batches import BatchChecks
from rekall.testing.database_errors import ErrorChecks
from rekall.testing.database_language import LanguageChecks
from rekall.testing.database_life import LifeChecks
from rekall.testing.database_threads import ThreadChecks
from rekall.testing.database_values import ValueChecks
from rekall.testing.product import ProductChecks


class DatabaseConformance(
    LifeChecks, ValueChecks, BatchChecks, ErrorChecks, LanguageChecks, ThreadChecks, ProductChecks
):
    """Every check of a database back end; see `Conformance` for what a subclass states."""
