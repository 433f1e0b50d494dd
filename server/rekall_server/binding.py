"""Who can reach an address, and so whether callers have to show a token."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rekall.errors import ConfigError
from rekall_server.tokens import TokenFile

if TYPE_CHECKING:
    from rekall_server.settings_model import Settings


class Address(NamedTuple):
    """An address to listen on, as sockets take it.

    Args:
        family: of the socket.
        location: what it is bound to.
    """

    family: socket.AddressFamily
    location: tuple[Any, ...]

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can reach it."""
        found = ipaddress.ip_address(str(self.location[0]).partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None)
        return (mapped or found).is_loopback


def addresses(settings: Settings) -> Sequence[Address]:
    """What the host stands for; the server listens on the first.

    Raises:
        ConfigError: it stands for nothing.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"{settings.where('host')}: {settings.host} is no address of a machine"
            f" ({getattr(error, 'strerror', None) or error}); give one of this machine, such as 127.0.0.1"
        ) from error
    return [Address(family, location) for family, _, _, _, location in found]


def needs_token(settings: Settings) -> bool:
    """Whether callers have to show a token: as soon as there is a file of them, and always beyond this machine.

    A file without a token lets nobody in. It says that tokens are wanted, whatever became of them.

    Raises:
        ConfigError: the host stands for nothing.
    """
    return TokenFile(settings.token_file).exists() or not is_loopback(settings)


def is_loopback(settings: Settings) -> bool:
    """Whether only programs on this machine can reach the server, whichever of the addresses it takes.

    Raises:
        ConfigError: the host stands for nothing.
    """
    return all(address.is_loopback for address in addresses(settings))
