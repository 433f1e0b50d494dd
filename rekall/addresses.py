"""Which addresses of the Internet may be contacted: public ones, judged after resolution, however they are written."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from rekall.errors import FetchError

IPAddress: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""From a host name and a port to numeric addresses; raises OSError for an unknown name."""

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Python's own lists grew with its releases: what an older one takes for global is named here
_NOT_PUBLIC_V4 = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))
_NOT_PUBLIC_V6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # Teredo and other protocol assignments
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: holds an IPv4 address, and its relays are gone
            "3fff::/20",  # documentation
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether a numeric address is one of the public Internet.

    No private, loopback, link-local, shared, multicast, reserved or documentation address is, nor an IPv6 form of one:
    IPv4-mapped, IPv4-compatible, 6to4, Teredo, NAT64, or one with a zone.

    Raises:
        ValueError: it is no numeric address.
    """
    return _is_public(ipaddress.ip_address(address))


def _is_public(ip: IPAddress) -> bool:
    if isinstance(ip, ipaddress.IPv4Address):
        return (
            ip.is_global
            and not (ip.is_multicast or ip.is_reserved)
            and not any(ip in network for network in _NOT_PUBLIC_V4)
        )
    if ip.scope_id is not None:
        return False
    if ip.ipv4_mapped is not None:
        return _is_public(ip.ipv4_mapped)
    if ip in _NAT64:  # what a network without IPv4 gives for every host that has only IPv4
        return _is_public(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return ip.is_global and ip in _GLOBAL_UNICAST and not any(ip in network for network in _NOT_PUBLIC_V6)


def ask_system(host: str, port: int) -> list[str]:
    """The addresses that the system knows for a host, in the order in which it would try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def resolve(
    host: str, port: int, *, timeout: float, allow_private: bool = False, ask: Resolve = ask_system
) -> Sequence[str]:
    """The numeric addresses of a host, each of them checked.

    Args:
        host: a name, or a number in any form that the system reads (`127.1`, `0x7f.1` and `2130706433` are one).
        timeout: seconds.
        allow_private: take addresses that are not public too.

    Raises:
        FetchError: unknown, too slow, or one of its addresses is not public.
    """
    addresses = _in_time(lambda: ask(host, port), timeout, host)
    if not addresses:
        raise FetchError(f"{host} has no address: check the name", "unresolved")
    refused = [] if allow_private else [address for address in addresses if not is_public(address)]
    if refused:
        raise FetchError(f"{host} is at {refused[0]}, which is not a public address: it was not contacted", "refused")
    return addresses


def _in_time(ask: Callable[[], Sequence[str]], timeout: float, host: str) -> Sequence[str]:
    """Ask in a thread of its own: the system's resolver knows no time limit."""
    answers: queue.SimpleQueue[Sequence[str] | OSError | UnicodeError] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(ask())
        except (OSError, UnicodeError) as error:  # UnicodeError: a label is empty or longer than 63 characters
            answers.put(error)

    threading.Thread(target=run, name="rekall-resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, timeout))
    except queue.Empty:
        raise FetchError(f"the name {host} was not resolved in time", "timeout") from None
    if isinstance(answer, (OSError, UnicodeError)):
        raise FetchError(f"{host} is unknown: check the name and the network", "unresolved") from answer
    return answer
