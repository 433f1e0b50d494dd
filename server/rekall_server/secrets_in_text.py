"""Passwords stay out of what the server prints."""

from __future__ import annotations

import re

_LOGIN = re.compile(r"(?<=://)([^:/?#]*):.*@|^([^:/@]*):.*@", re.DOTALL)
_OPTION = re.compile(r"(?<=[?&])((?:[a-z_]*password|token)=)[^&#]*", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def masked_url(url: str) -> str:
    """The same address with `***` for its password; all of it where it is no address, which may be one itself.

    Args:
        url: as it was given.
    """
    if not _SCHEME.match(url):
        return "***"
    masked = _LOGIN.sub(lambda found: f"{found[1] or found[2] or ''}:***@", url, count=1)
    return _OPTION.sub(r"\1***", masked)
