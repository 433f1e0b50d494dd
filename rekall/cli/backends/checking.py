"""Tries the back ends that are selected: connects, and sends a value there and back, leaving nothing behind.

In a child process, where one that hangs or crashes disturbs nothing. What this process registered is there alone, and
tried here.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from rekall.config import Config, load_config, set_config
from rekall.deprecation import RekallDeprecationWarning
from rekall.errors import CacheError, RekallError
from rekall.infra import CacheBackend, DatabaseBackend, DefaultDatabaseBackend, ServiceContainer
from rekall.infra.available import DEFAULT, REGISTERED, selected, slow_import
from rekall.infra.probe import TIMEOUT, Step, run
from rekall.store.round_trip import is_without_log, read_back, write_and_undo


class Checked(NamedTuple):
    """What came of it.

    Args:
        kind: `database` or `cache`.
        name: the name of the back end.
        problem: why it cannot be used; None when it can.
        connected: milliseconds until it was connected; None for what does not connect.
        round_trip: milliseconds of the round trip.
        warnings: what its author has to mend in it.
        notes: what is remarkable about the base.
    """

    kind: str
    name: str
    problem: str | None = None
    connected: float | None = None
    round_trip: float | None = None
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()


def check(
    kind: str, config: Config, flags: Mapping[str, bool], *, timeout: float = TIMEOUT, writing: bool = True
) -> Checked:
    """Try the selected back end of a kind.

    Args:
        kind: `database` or `cache`.
        config: the configuration in use.
        flags: what a child process loads it with.
        timeout: seconds that a child process has.
        writing: whether a database is also written to, in a batch that is undone.
    """
    container = ServiceContainer.get_instance()
    registered = container.registered
    name, setting = selected(kind, config, registered)
    # a base that is not there yet is not made: a back end that is given a file is tried on another one
    scratch = TemporaryDirectory(prefix="rekall-check-") if not config.db_path.exists() else nullcontext()
    with scratch as folder:
        try:
            if name in registered:
                return Checked(kind, name, **try_in(container, lambda _: None, kind, config, folder, writing))
            wanted = {"kind": kind, "flags": dict(flags), "folder": folder, "writing": writing}
            return Checked(kind, name, **run(f"{__name__}:try_selected", wanted, timeout))
        except RekallError as error:
            text = str(error)
        except Exception as error:  # noqa: BLE001  # of one that a program registered for itself, which may raise anything
            text = f"{type(error).__name__}: {error}"
    # an error of the back end itself names what selected it, one of the child process cannot
    named = setting in (DEFAULT, REGISTERED) or setting in text
    return Checked(kind, name, text if named else f"{text} (selected by {setting})")


def try_selected(step: Step, *, kind: str, flags: dict[str, bool], folder: str | None, writing: bool) -> dict[str, Any]:
    """What a child process does for `check`.

    Args:
        step: is told what comes next.
        kind: `database` or `cache`.
        flags: for `load_config`.
        folder: where a base is made for it, when there is none yet.
        writing: as in `check`.

    Returns:
        The other fields of a `Checked`.
    """
    config = load_config(**flags)
    set_config(config)
    return try_in(ServiceContainer.get_instance(), step, kind, config, folder, writing)


def try_in(
    container: ServiceContainer, step: Step, kind: str, config: Config, folder: str | None, writing: bool
) -> dict[str, Any]:
    """The same in the process that calls.

    Args:
        container: selects the back end; it keeps nothing of what is tried.
        step: is told what comes next.
        kind: `database` or `cache`.
        config: the configuration of the container.
        folder: as in `try_selected`.
        writing: as in `check`.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RekallDeprecationWarning)
        step("while it was imported")
        started = time.monotonic()
        selection = container.selected(kind)
        found = slow_import(time.monotonic() - started)
        step("while it was made")
        path, notes = (config.db_path, []) if kind == "database" else (None, [])
        if path is not None:
            selection.refuse_named_file(config.paths, path)
            if folder is not None and selection.takes_path:
                path = Path(folder) / path.name
                notes.append("tried on a base of its own, there is none yet")
        backend = selection.wrapped(path)
    found += [str(warning.message) for warning in caught if isinstance(warning.message, RekallDeprecationWarning)]
    try:
        if isinstance(backend, CacheBackend):
            step("during the round trip")
            return {"round_trip": _timed(lambda: _cache_round_trip(backend)), "warnings": found}
        sparing = path == config.db_path
        tried = _try_database(step, backend, selection.connect, writing=writing, sparing=sparing)
    except RekallError as error:
        if selection.told is not None:
            selection.told.told(error)
        raise
    return {**tried, "warnings": found, "notes": [*notes, *tried["notes"]]}


def _try_database(
    step: Step, backend: DatabaseBackend, connect: Callable[[DatabaseBackend], None], *, writing: bool, sparing: bool
) -> dict[str, Any]:
    step("while it connected")
    was_open = backend.is_connected()
    connected = _timed(lambda: connect(backend))
    try:
        step("during the round trip")
        started = time.monotonic()
        read_back(backend)
        notes = []
        # Rekall's own switches to that form before it writes, and what is undone later does not switch it back
        is_own = isinstance(getattr(backend, "wrapped", backend), DefaultDatabaseBackend)
        if writing and sparing and is_own and is_without_log(backend):
            notes.append("not written to: a first write would change the form of its file")
        elif writing and not write_and_undo(backend):
            notes.append("read only: nothing can be added")
        taken = (time.monotonic() - started) * 1000
        return {"connected": connected, "round_trip": taken, "notes": notes}
    finally:
        if not was_open:
            step("while it closed")
            backend.close()


def _cache_round_trip(cache: CacheBackend) -> None:
    """A value of each form under a new key there and back, and gone again."""
    import secrets

    key, miss = f"rekall.check.{secrets.token_hex(8)}", object()
    try:
        for value in (b"\x00\xff", {"text": ["Grüße", 1, 0.5, True, None]}):
            cache.set(key, value, 60.0)
            if not cache.exists(key) or cache.get(key, miss) != value:
                raise CacheError(f"it did not give back the {type(value).__name__} that it was given")
        if not cache.delete(key) or cache.get(key, miss) is not miss:
            raise CacheError("it still has a value that was deleted")
    finally:
        cache.delete(key)


def _timed(call: Callable[[], None]) -> float:
    """The milliseconds that a call takes."""
    started = time.monotonic()
    call()
    return (time.monotonic() - started) * 1000
