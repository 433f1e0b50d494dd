"""Secrets stay out of what people read and pass on: passwords in texts of others, values of options that are secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_URL_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):(?!\d*(?:[/\s]|\Z))(\S*)@")
_NAMED_SECRET = re.compile(
    r"((?:(?:password|passwd|passphrase|pwd|secret|token|credential|api[_-]?key)\w{0,40}|\bpass)"
    r"(?:\\*['\"]\s*[:=]|\s*=)\s*\\*)"  # as in `password = x`, in a dict and in JSON, which may stand in a text itself
    r"(?:'[^']*'|\"[^\"]*\"|[^\s&;,'\"}]+)",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(authorization\\*['\"]?\s*[:=]\s*\\*['\"]?(?:(?:basic|bearer|digest|token)\s+)?)[^\s'\"\\,;}]+", re.IGNORECASE
)
_SECRET_WORDS = ("password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "authorization", "cookie")
"""What the name of an option holds whose value is not shown."""
_SHORTEST = 4
"""Characters of a value that can be told from a piece of a word."""


def hide_passwords(text: str) -> str:
    """The same text with `***` for each password in an address, and for what stands after `password=` or the like."""
    return _HEADER.sub(r"\1***", _NAMED_SECRET.sub(r"\1***", _URL_PASSWORD.sub(r"\1:***@", text)))


def without_secrets(value: Any, name: str = "") -> Any:
    """The same value with `***` in place of what is secret in it, by the name of an option or as a password in a text.

    Args:
        value: of an option, or all options by their names.
        name: of the option; empty for all.
    """
    if isinstance(value, dict):
        return {key: without_secrets(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(inner, name) for inner in value]
    if _is_secret(name):
        return "***"
    return hide_passwords(value) if isinstance(value, str) else value


def secret_values(value: Any, name: str = "") -> Iterator[str]:
    """Every text that `without_secrets` would hide, as it may stand in a message of whoever was given the options.

    Args:
        value: of an option, or all options by their names.
        name: of the option; empty for all.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from secret_values(inner, key)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from secret_values(inner, name)
    elif isinstance(value, str):
        from urllib.parse import unquote

        for secret in [value] if _is_secret(name) else [found[2] for found in _URL_PASSWORD.finditer(value)]:
            yield from {secret, unquote(secret)}


def hide_values(text: str, secrets: Iterable[str]) -> str:
    """The same text with `***` for each of some values, the longest first; one of under four characters stays."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, "***")
    return text


def _is_secret(name: str) -> bool:
    return name.lower().endswith(("key", "auth")) or any(word in name.lower() for word in _SECRET_WORDS)
