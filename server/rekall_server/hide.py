"""What no line of the log and no answer may hold: tokens, passwords, SQL, and where files lie on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from rekall_server.secrets_in_text import masked_text

_LONGEST = 2000
"""Characters of one text that are worth a line."""

_HEADER = re.compile(
    r"(authorization\\*['\"]?\s*[:=,]\s*\\*(?:b?['\"])?(?:(?:basic|bearer|digest|token)\s+)?|\bbearer\s+)[^\s'\"\\,;}]+",
    re.IGNORECASE,
)
_NAMED_SECRET = re.compile(
    r"((?:password|passwd|secret|token|api[_-]?key)['\"]?\s*[:=]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s&;,'\"}]+)", re.IGNORECASE
)
_SQL = re.compile(
    r"\b(?:SELECT|INSERT(?:\s+OR\s+[A-Z]+)?\s+INTO|REPLACE\s+INTO|UPDATE\s+(?:OR\s+[A-Z]+\s+)?\w+\s+SET|DELETE\s+FROM"
    r"|(?:CREATE|DROP)\s+(?:TEMP\s+|UNIQUE\s+|VIRTUAL\s+)?(?:TABLE|INDEX|TRIGGER|VIEW)|ALTER\s+TABLE|PRAGMA|SAVEPOINT"
    r"|BEGIN\s+IMMEDIATE|ATTACH\s+DATABASE|WITH\s+(?:RECURSIVE\s+)?\w+(?:\s*\([^)]*\))?\s+AS)\s.*",
    re.DOTALL,
)
_QUOTED_PATH = re.compile(r"(['\"])(?:/|[A-Za-z]:[\\/])[^'\"\n]*?[\\/]([^'\"\n\\/]*)[\\/]?\1")
# a URL has its path behind a host; those that name a file have none
_PATH = re.compile(
    r"(?:(?<![\w/.<>\-])|(?<=file://)|(?<=unix://))/(?!/)(?:[^\s/'\"<>,;:()\[\]]+/+)+([^\s/'\"<>,;:()\[\]]*)"
)
_WINDOWS_PATH = re.compile(r"(?<!\w)[A-Za-z]:\\(?:[^\s\\'\"<>,;:()]+\\+)+([^\s\\'\"<>,;:()]*)")
_SECRET_HINT = re.compile(r"rks_|uthori|earer|://|passw|secret|token|key", re.IGNORECASE)


class Hiding:
    """Takes out of texts what others must not see.

    Args:
        paths: files and directories that are replaced by their last component wherever they stand, also where a blank
            in them hides where they end.
    """

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        known = {str(path.absolute()) for path in paths} | {str(path.resolve()) for path in paths}
        folders = {str(Path(path).parent) for path in known} - {"/"}
        places = sorted((place for place in folders if place.count("/") + place.count("\\") > 1), key=len, reverse=True)
        self._places = re.compile("|".join(re.escape(place) + r"[/\\]" for place in places)) if places else None

    def __call__(self, text: str) -> str:
        """The same text with `***` for secrets, `<sql>` for SQL, and of each path its last component."""
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]} ..."
        text = without_secrets(text)
        text = _SQL.sub("<sql>", text)
        if "/" in text or "\\" in text:
            if self._places is not None:
                text = self._places.sub("", text)
            text = _QUOTED_PATH.sub(r"\1\2\1", text)
            text = _PATH.sub(_last, text)
            text = _WINDOWS_PATH.sub(_last, text)
        return text


def without_secrets(text: str) -> str:
    """The same text with `***` for each token, and for each password in an address or behind its name."""
    if _SECRET_HINT.search(text) is None:
        return text
    return _NAMED_SECRET.sub(r"\1***", _HEADER.sub(r"\1***", masked_text(text)))


def _last(found: re.Match[str]) -> str:
    return found[1] or "<path>"
