"""Database back ends in use: opened once for all who ask for the same, counted, closed with the last of them."""

from __future__ import annotations

from collections.abc import Callable

from rekall.errors import RekallError
from rekall.infra.interfaces import DatabaseBackend


class _Opened:
    """A back end in use.

    Args:
        backend: wrapped.
        implementation: held because its id is part of the key.
        ours: whether we connected it, and so close it.
    """

    def __init__(self, backend: DatabaseBackend, implementation: object, *, ours: bool) -> None:
        self.backend = backend
        self.implementation = implementation
        self.ours = ours
        self.users = 0


class SharedDatabases:
    """Open database back ends by what they were resolved from. Whoever calls holds a lock."""

    def __init__(self) -> None:
        self._opened: dict[object, _Opened] = {}

    def use(
        self,
        implementation: object,
        place: object,
        make: Callable[[], DatabaseBackend],
        connect: Callable[[DatabaseBackend], None],
    ) -> DatabaseBackend:
        """One more user of a back end, which the first one makes and connects.

        Args:
            implementation: what it is made from; others of the same and the same place share it.
            place: name and file.
            make: gives it, wrapped.
            connect: opens it.
        """
        key = (id(implementation), place)
        opened = self._opened.get(key)
        if opened is None:
            backend = make()
            opened = _Opened(backend, implementation, ours=not backend.is_connected())
            connect(backend)
            self._opened[key] = opened
        opened.users += 1
        return opened.backend

    def release(self, backend: DatabaseBackend) -> None:
        """One user less; the last one closes it, unless it was open before."""
        for key, opened in self._opened.items():
            if opened.backend is backend:
                opened.users -= 1
                if opened.users == 0:
                    del self._opened[key]
                    if opened.ours:
                        opened.backend.close()
                return

    def close_all(self) -> None:
        """Close all that we opened, last opened first; a second call does nothing.

        Raises:
            RekallError: one or more could not be closed; all were tried, and all failures are named.
        """
        opened, self._opened = list(self._opened.values()), {}
        failures = []
        for one in reversed([each for each in opened if each.ours]):
            try:
                one.backend.close()
            except Exception as error:
                import logging

                logging.getLogger(__name__).debug("a back end was not closed", exc_info=True)
                failures.append(error)
        if failures:
            raise RekallError(f"not closed: {'; '.join(map(str, failures))}") from failures[0]
