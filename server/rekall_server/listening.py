"""Listening on an address, and who has it where that is not possible."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rekall.errors import ConfigError
from rekall_server.binding import addresses

if TYPE_CHECKING:
    from rekall_server.settings_model import Settings

_BACKLOG = 2048
"""Connections that wait to be taken at most, as far as the system allows."""
_LISTENS = "0A"
"""The state of such a socket in the tables of the Linux kernel."""


def bound(settings: Settings) -> socket.socket:
    """A socket that listens on the first of the addresses which the host stands for.

    Raises:
        ConfigError: the host stands for nothing, or cannot be listened on.
    """
    address = addresses(settings)[0]
    try:
        # asyncio sends at once (TCP_NODELAY) on what it knows to be TCP; else the second part of an answer waits 40 ms
        listening = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if sys.platform != "win32":  # there it would take the port from whoever has it
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address.location)
            listening.listen(_BACKLOG)
            listening.set_inheritable(True)
        except BaseException:
            listening.close()
            raise
    except OSError as error:
        raise ConfigError(_said(error, settings)) from error
    return listening


def _said(error: OSError, settings: Settings) -> str:
    host, port = settings.host, settings.port
    where = settings.where("port")
    if error.errno == errno.EADDRINUSE:
        who = _holder(port)
        by = f" by {who}" if who else ""
        return f"{where}: port {port} of {host} is taken{by}: give another one with --port, or stop what has it"
    if error.errno == errno.EACCES:
        return f"{where}: this user may not listen on port {port}: give one from 1024 on with --port"
    reason = error.strerror or str(error)
    return f"{settings.where('host')}: {host} cannot be listened on ({reason}): give an address of this machine"


def _holder(port: int) -> str:
    """The process that listens on a port, where the kernel shows it; empty otherwise."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not wanted:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(descriptor.readlink()) in wanted for descriptor in (process / "fd").iterdir()):
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return f"{name} (process {process.name})"
        except OSError:  # another user's, or one that has just ended
            continue
    return ""


def _inodes(port: int) -> Iterator[str]:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            rows = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # no Linux
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]
