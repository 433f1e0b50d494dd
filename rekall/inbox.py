"""An address on its way into the inbox: judged by what it says alone, without asking anybody."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from rekall.addresses import is_public
from rekall.models import InboxEntry, generate_ulid
from rekall.urls import extract_domain, is_valid_url

_PRIVATE_NAMES = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "test")
"""Last labels of names that lead nowhere outside a network of one's own."""


def captured(
    url: str, cli_source: str, *, project: str | None = None, conversation_id: str | None = None
) -> InboxEntry:
    """The entry for an address; one that is no public page is kept in quarantine, with the reason.

    Raises:
        ValueError: no address, or no tool that it comes from.
    """
    error = why_not_public(url)
    return InboxEntry(
        generate_ulid(),
        url,
        extract_domain(url) or None,
        cli_source,
        project,
        conversation_id,
        import_source="realtime",
        is_valid=error is None,
        validation_error=error,
    )


def why_not_public(url: str) -> str | None:
    """Why an address is not that of a page on the public web; None when it may be.

    Numbers are judged in every form that a resolver reads; a name is not looked up.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return "malformed URL"
    if parts.scheme.lower() not in ("http", "https"):
        return f"scheme {parts.scheme or '(none)'} is not http or https"
    number = _as_number(host)
    if number is not None:
        return None if is_public(number) else "not a public address"
    if host.rpartition(".")[2].lower() in _PRIVATE_NAMES:
        return "a name of a private network"
    return None if is_valid_url(url) else "no domain"


def _as_number(host: str) -> str | None:
    """The numeric address that a host is, however written; None for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
