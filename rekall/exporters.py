"""Entries as a JSON or Markdown text, and a look for secrets in them before they leave the machine.

These are the functions of Rekall 0.3; `rekall.exchange` writes the same texts to a file, entry by entry.
"""

from __future__ import annotations

import io
import re

from rekall.exchange.markdown_writer import write_markdown
from rekall.models import Entry
from rekall.serializers import entries_to_json

__all__ = [
    "SENSITIVE_PATTERNS",
    "Entry",
    "detect_sensitive_data",
    "entries_to_json",
    "export_json",
    "export_markdown",
]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_ASSIGNED = r"[\"']?[ \t]{0,20}(?::=|=>|[:=])[ \t]{0,20}[\"']?"
SENSITIVE_PATTERNS: list[tuple[re.Pattern[str], str]] = [
    (_pattern(rf"api[_ -]?key{_ASSIGNED}[\w.+/=-]{{20}}"), "API Key"),
    (_pattern(rf"(?:secret|token|password|passwd|pwd)(?:[_-]?key)?{_ASSIGNED}[^\s\"']{{8}}"), "Secret/Token"),
    (_pattern(r"(?<![a-z0-9])sk-[a-z0-9_-]{20}"), "OpenAI API Key"),
    (_pattern(r"(?<![a-z0-9])(?:gh[pousr]_[a-z0-9]{36}|github_pat_[a-z0-9_]{36})"), "GitHub Token"),
    (_pattern(r"(?<![a-z0-9])xox[baprs]-[a-z0-9-]{10}"), "Slack Token"),
    (_pattern(r"\bbearer[ \t]{1,20}[\w.~+/=-]{20}"), "Bearer Token"),
    (_pattern(r"aws[_ -]?(?:access[_ -]?key|secret)"), "AWS Credentials"),
]
"""What looks like a secret, each with the name of its family. They take time in proportion to the length of a text."""


def detect_sensitive_data(entries: list[Entry]) -> list[tuple[str, str, str]]:
    """Find entries whose title or content looks as if it held a secret.

    Args:
        entries: those to look at.

    Returns:
        Id, title and family of the secret, once for each entry: the first family in the order of `SENSITIVE_PATTERNS`.
    """
    found = []
    for entry in entries:
        text = f"{entry.title} {entry.content}"
        label = next((label for pattern, label in SENSITIVE_PATTERNS if pattern.search(text)), None)
        if label is not None:
            found.append((entry.id, entry.title, label))
    return found


def export_json(entries: list[Entry]) -> str:
    """A JSON array of entries, as in an archive."""
    return entries_to_json(entries)


def export_markdown(entries: list[Entry]) -> str:
    """A Markdown document of entries, in groups by type; `rekall import` can read it again."""
    stream = io.StringIO()
    write_markdown(entries, stream)
    return stream.getvalue()
