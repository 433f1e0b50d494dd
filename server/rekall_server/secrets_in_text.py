"""Passwords stay out of what the server prints."""

from __future__ import annotations

import re
from typing import Any

_LOGIN = re.compile(r"(?<=://)([^:/?#@]*):.*@", re.DOTALL)
_OPTION = re.compile(r"(?<=[?&])((?:[a-z_]*password|token)=)[^&#]*", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):(\S*)@")
_TOKEN = re.compile(r"rks_[A-Za-z0-9_-]+")
_SECRET_WORDS = ("password", "passwd", "passphrase", "secret", "token", "credential", "key", "auth")
"""What the name of an option holds whose value is not shown."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def masked_url(url: str) -> str:
    """The same address with `***` for its password; all of it where it is no address, which may be one itself.

    Args:
        url: as it was given.
    """
    if not _SCHEME.match(url):
        return "***"
    return _OPTION.sub(r"\1***", _LOGIN.sub(r"\1:***@", url, count=1))


def masked_text(text: str) -> str:
    """A text for a person with `***` for each password in an address, and each token."""
    return _TOKEN.sub("rks_***", _URL_PASSWORD.sub(r"\1:***@", text))


def masked_option(value: Any, name: str) -> Any:
    """The same value of an option with `***` in place of what is secret in it.

    Args:
        value: as TOML has it.
        name: of the option.
    """
    if any(word in name.lower() for word in _SECRET_WORDS):
        return "***"
    if isinstance(value, dict):
        return {key: masked_option(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked_option(inner, name) for inner in value]
    return masked_url(value) if isinstance(value, str) and "://" in value else value
