"""Everything that serving needs, tried beforehand: the base, the cache, the tokens, the address, the guards.

Nothing is created or migrated, and no check takes longer than a few seconds, whatever does not answer.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rekall.config import Config, set_config
from rekall.errors import CannotOpenError, GuardFailed, RekallError
from rekall.infra import CacheBackend, DatabaseBackend, ServiceContainer, Statement
from rekall.infra.selection import setting_of
from rekall.mcp.state import look
from rekall_server import home
from rekall_server.binding import is_loopback
from rekall_server.listening import bound
from rekall_server.tokens import TokenFile

if TYPE_CHECKING:
    from rekall_server.settings_model import Settings

PATIENCE = 3.5
"""Seconds for all checks, which run beside each other."""
_CHECK = "rekall_server_check"


class Check(NamedTuple):
    """What one look has found.

    Args:
        name: what was looked at.
        ok: whether the server can work with it.
        text: one line: what is there, or which setting is wrong with what and how it is mended.
    """

    name: str
    ok: bool
    text: str


def run(settings: Settings) -> list[Check]:
    """Look at everything that these settings name, connecting to what can be connected to.

    The configuration of Home that results from them becomes that of this process.

    Args:
        settings: of the server.

    Returns:
        The checks in a stable order; one for the configuration alone when that cannot be used.
    """
    try:
        config = home.apply(settings)
    except RekallError as error:
        return [Check("configuration", False, str(error))]
    set_config(config)
    return _within(
        PATIENCE,
        {
            "database": lambda: _database(config),
            "cache": lambda: _cache(config),
            "tokens": lambda: _tokens(settings),
            "address": lambda: _address(settings),
            "allowed hosts": lambda: _hosts(settings),
        },
        {
            "database": f"{setting_of('database', config)}: the back end {config.database_backend}",
            "cache": f"{setting_of('cache', config)}: the back end {config.cache_backend}",
            "address": f"{settings.where('host')}: looking up {settings.host}",
        },
    )


def _within(seconds: float, looks: Mapping[str, Callable[[], str]], slow: Mapping[str, str]) -> list[Check]:
    """What the looks find, each in a thread that is not waited for any longer.

    Args:
        seconds: for all of them.
        looks: by name; each returns what is there, or raises what is wrong.
        slow: what is to blame for one that takes too long.
    """
    found: dict[str, Check] = {}

    def take(name: str, look_at: Callable[[], str]) -> None:
        try:
            found[name] = Check(name, True, look_at())
        except RekallError as error:
            found[name] = Check(name, False, " ".join(str(error).split()))
        except Exception as error:  # noqa: BLE001  # a start that is refused says why, whatever it is
            found[name] = Check(name, False, f"internal error, please report it: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=take, args=look_at, daemon=True) for look_at in looks.items()]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = f"did not answer within {seconds:g} s: see that it works, or name another one"
    return [dict(found).get(name) or Check(name, False, f"{slow.get(name, name)} {late}") for name in looks]


def _database(config: Config) -> str:
    container = ServiceContainer(config=lambda: config)
    selection = container.selected("database")
    path = config.db_path
    try:
        if selection.takes_path and not path.exists():
            selection.make(path)  # which looks at the options
            _can_be_created(path, config)
            return f"{path} ({selection.name}): not there yet, and can be created"
        if selection.takes_path and not path.is_file():
            raise CannotOpenError(f"{path} is not a file: name another one")
        backend = container.database(path)
        state = look(backend, path)
        _can_be_written(getattr(backend, "wrapped", backend))  # one attempt: a busy base is told at once
        place = str(path) if selection.takes_path else "what it is connected to"
        if state.is_current:
            return f"{place} ({selection.name}): {state.name}, takes writes"
        if state.is_empty:
            return f"{place} ({selection.name}): empty, takes writes; serving creates the schema"
        return f"{place} ({selection.name}): {state.name}, takes writes; serving migrates it, after a backup"
    except OSError as error:  # of looking at the path
        reason = error.strerror or error
        raise RekallError(
            f"{_named(config)}: {path} cannot be looked at: {reason}; mend its folder, or name another file"
        ) from error
    except RekallError as error:
        raise RekallError(_blamed(str(error), _named(config))) from error
    finally:
        container.close()


def _can_be_written(backend: DatabaseBackend) -> None:
    """Write something and take it back in the same batch: the guard fails on purpose.

    Raises:
        RekallError: the base takes no writes.
    """
    try:
        backend.execute_batch(
            [
                Statement(f"CREATE TABLE {_CHECK} (written INTEGER)"),
                Statement(f"INSERT INTO {_CHECK} SELECT 1 WHERE 0", expect=1),
            ]
        )
    except GuardFailed:
        return
    raise RekallError("the back end kept a batch of which a statement failed: tell its author")


def _can_be_created(path: Path, config: Config) -> None:
    """Try the nearest folder that is there.

    Raises:
        RekallError: nothing can be created in it.
    """
    folder = next(parent for parent in path.parents if os.path.lexists(parent))
    trial = folder / f".{_CHECK}-{secrets.token_hex(8)}"
    try:
        trial.touch(mode=0o600)
        trial.unlink()
    except OSError as error:
        raise RekallError(
            f"{_named(config)}: {path} cannot be created: {error.strerror or error} ({folder}); mend the folder, or"
            " name another file with --database"
        ) from error


def _cache(config: Config) -> str:
    container = ServiceContainer(config=lambda: config)
    try:
        cache = container.cache()
        inner: Any = getattr(cache, "wrapped", cache)
        if hasattr(inner, "check"):
            inner.check()  # one attempt
        else:
            _round_trip(cache)
    except RekallError as error:
        raise RekallError(_blamed(str(error), setting_of("cache", config))) from error
    finally:
        container.close()
    place = getattr(inner, "place", "in each process")
    return f"{config.cache_backend}: {place}"


def _round_trip(cache: CacheBackend) -> None:
    key, value = f"{_CHECK}:{secrets.token_hex(8)}", secrets.token_hex(8)
    cache.set(key, value, ttl=60)
    got = cache.get(key)
    cache.delete(key)
    if got != value:
        raise RekallError(f"the cache gave back {got!r} for {value!r}: tell the author of the back end")


def _tokens(settings: Settings) -> str:
    file = TokenFile(settings.token_file)
    tokens = file.tokens()
    if tokens:
        readers = sum(token.read_only for token in tokens)
        return f"{len(tokens)} in {file.path}, {readers} of them read-only; every caller needs one"
    how = "run 'rekall-server token new NAME' first"
    if not is_loopback(settings):
        raise RekallError(
            f"{settings.where('host')}: {settings.host} is reached from beyond this machine, and there is no token in"
            f" {file.path}: {how}, or listen on 127.0.0.1"
        )
    if file.exists():
        raise RekallError(
            f"{settings.where('token_file')}: {file.path} holds no token, so nobody would get in: {how}, or remove the"
            " file to serve this machine without"
        )
    if settings.is_set("token_file"):
        raise RekallError(f"{settings.where('token_file')}: {file.path} is not there: {how}, or take the setting back")
    return "none, and none needed: only this machine reaches the server"


def _address(settings: Settings) -> str:
    with bound(settings) as trial:
        address = trial.getsockname()[0]
    port = f"port {settings.port}" if settings.port else "any free port"
    return f"{address}, {port}: free"


def _hosts(settings: Settings) -> str:
    names = ", ".join(["localhost, 127.0.0.1", *settings.allowed_hosts])
    more = "" if settings.allowed_hosts or is_loopback(settings) else "; by name once it is in allowed_hosts"
    return f"called as {names}, or by its address{more}"


def _named(config: Config) -> str:
    """What names the database file, as the beginning of a message."""
    return config.origins["paths.database"].replace("default", "database (default)")


def _blamed(text: str, where: str) -> str:
    """A message that names the setting, whether or not the back end's own does."""
    return text if where in text else f"{where}: {text}"
