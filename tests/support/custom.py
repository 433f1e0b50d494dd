"""Runs what needs a base on back ends that are not Rekall's own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from rekall.infra import ServiceContainer
from support.backends import ConnectionPerCall, DictCache


class Counted(ConnectionPerCall):
    """Counts the calls that reach it, so that a suite that went past it is noticed."""

    calls: ClassVar[int] = 0

    def _new_connection(self) -> sqlite3.Connection:
        Counted.calls += 1
        return super()._new_connection()


@contextmanager
def use_custom_backends() -> Iterator[None]:
    """Inside, the container of this process resolves to the back ends of `support.backends`; afterwards it is reset."""
    container = ServiceContainer.get_instance()
    container.register("database", Counted)
    container.register("cache", DictCache())
    try:
        yield
    finally:
        ServiceContainer.reset_instance()
