"""Serving: everything is checked, the address is bound, then one process or several take the connections."""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from rekall.errors import ConfigError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from rekall_server.settings import Loaded, Settings

_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than clients keep theirs, so that none sends on one that ends."""


def serve(loaded: Loaded) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP, which let the calls in flight end.

    Args:
        loaded: the settings in effect, and where they came from.

    Returns:
        The exit code.

    Raises:
        ConfigError: something that the settings name cannot be used; nothing was served.
    """
    from rekall_server import checks, metrics
    from rekall_server.banner import banner
    from rekall_server.listening import bound

    settings = loaded.settings
    failed = [check for check in checks.run(settings) if not check.ok]
    if failed:
        raise ConfigError(failed[0].text)
    with metrics.shared_folder(), bound(settings) as listening:
        from rekall_server.process import prepare

        prepare(settings)
        print(banner(loaded, listening.getsockname()[1]), flush=True)  # noqa: T201  # for who started it
        from rekall_server.app import create_app  # it counts into that folder

        return run(create_app, settings, listening)


def _allow_many_connections() -> None:
    """Let the process have as many open files as its user may have: each idle client is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # where there is no highest number, the one in effect stays
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _hear_hang_up(lives_on: bool) -> None:
    """End on SIGHUP, which comes when the terminal is closed, as on SIGTERM.

    Args:
        lives_on: it is to be ignored.
    """
    signal.signal(
        signal.SIGHUP, signal.SIG_IGN if lives_on else lambda _number, _frame: signal.raise_signal(signal.SIGTERM)
    )


def run(create: Callable[[Settings], ASGIApp], settings: Settings, listening: socket.socket) -> int:
    """Serve an application in as many processes as the settings say, until SIGTERM or SIGINT.

    Args:
        create: makes it, in every process; importable there by its name.
        settings: given to `create`.
        listening: takes the connections.

    Returns:
        The exit code.
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from rekall_server import accepting
    from rekall_server.connections import bounded

    _allow_many_connections()
    lives_on = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # as nohup has it
    config = uvicorn.Config(
        partial(create, settings),
        factory=True,
        loop=accepting.NAME,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(settings.drain_timeout)),
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE,
        http=bounded(settings.read_timeout),  # type: ignore[arg-type]  # uvicorn calls it as it calls a class
    )
    if settings.workers == 1:
        # uvicorn sends itself the signal again when it has ended: that it came is no failure
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        _hear_hang_up(lives_on)
        server = uvicorn.Server(config)
        server.run(sockets=[listening])
        return 0 if server.started else 1
    supervisor = Multiprocess(config, sockets=[listening])
    _hear_hang_up(lives_on)  # it would start all workers anew
    supervisor.run()
    return 0 if all(process.exitcode in (0, -signal.SIGTERM) for process in supervisor.processes) else 1
