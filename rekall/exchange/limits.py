"""How much an import takes, so that a file made to do harm fills neither the memory nor the disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import NoReturn

from rekall.errors import ImportRefusedError, InvalidValueError
from rekall.exchange.shown import plain

HARMLESS = 16 * 1024**2
"""Bytes; whatever its ratio, unpacking what is smaller does no harm."""
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_VALUE = re.compile(r"([0-9]{1,18})\s*([kmg]?)(i?b)?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """The limits of one import; each can be raised by name (`--limit entries=500000`).

    Args:
        size: bytes of the file.
        expanded: bytes of all that it holds, unpacked.
        ratio: how many times as large something becomes by unpacking; asked only from 16 MiB unpacked on, below which
            it does no harm.
        entries: number of entries.
        records: number of records of every kind.
        line: characters of a text of one line, such as a title, a tag or an address.
        text: characters of a text of several lines, and of one record as JSON.
    """

    size: int = 1024**3
    expanded: int = 4 * 1024**3
    ratio: int = 100
    entries: int = 1_000_000
    records: int = 20_000_000
    line: int = 10_000
    text: int = 16 * 1024**2

    def check(self, name: str, value: int, what: str) -> None:
        """Refuse what is beyond a limit.

        Args:
            name: the limit.
            value: what there is of it.
            what: what has so much, as the beginning of a sentence: `notes.rekall.zip`.

        Raises:
            ImportRefusedError: it is more than the limit.
        """
        if value > getattr(self, name):
            self.refuse(name, value, what)

    def refuse(self, name: str, value: int, what: str) -> NoReturn:
        """Refuse `what` for having `value`, beyond the limit of this name; see `check`."""
        phrase = _PHRASES[name].format(value=value, limit=getattr(self, name))
        # who counts on the way does not know how many there are: the next number with one digit before its zeros
        step = 10 ** (len(str(value)) - 1) if _AT_LEAST in phrase else 1
        enough = -(-value // step) * step
        raise ImportRefusedError(f"{what}: {phrase}; if you trust it: --limit {name}={enough}")

    def raised(self, settings: Iterable[str]) -> Limits:
        """These limits with some of them set anew.

        Args:
            settings: texts such as `entries=500000` or `size=2G`.

        Raises:
            InvalidValueError: no such limit, or no number.
        """
        limits = self
        for setting in settings:
            name, _, text = setting.partition("=")
            name = name.strip().lower()
            value = _VALUE.fullmatch(text.strip())
            if name not in _PHRASES:
                raise InvalidValueError(f"no limit is called '{plain(name)}': use one of {', '.join(_PHRASES)}")
            if value is None:
                raise InvalidValueError(
                    f"--limit {plain(setting)}: give a whole number, as in {name}=500000 or {name}=2G"
                )
            limits = replace(limits, **{name: int(value[1]) * _UNITS[value[2].lower()]})
        return limits


_AT_LEAST = " or more"
_PHRASES = {
    "size": "has {value} bytes, more than {limit}",
    "expanded": "unpacks to {value} bytes or more, more than {limit}",
    "ratio": "unpacks to {value} times its size, more than {limit} times",
    "entries": "has {value} entries or more, more than {limit}",
    "records": "has {value} records or more, more than {limit}",
    "line": "has {value} characters in one line of text, more than {limit}",
    "text": "has {value} characters or more in one text, more than {limit}",
}
LIMIT_NAMES = tuple(field.name for field in fields(Limits))
