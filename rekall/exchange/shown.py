"""Names and values in a message: short, and on one line whatever they hold."""

from __future__ import annotations

LONGEST = 60
_KINDS = {type(None): "null", dict: "an object", list: "an array"}


def shown(value: object, longest: int = LONGEST) -> str:
    """Text in quotes, cut and without control characters; of anything else its kind in words of JSON.

    Args:
        value: what a file holds.
        longest: number of characters of the text that are shown.
    """
    if isinstance(value, str):
        return f"'{plain(value, longest)}'"
    if isinstance(value, (int, float)):
        return str(value).lower()[:longest]
    return _KINDS.get(type(value), type(value).__name__)


def plain(text: str, longest: int = LONGEST) -> str:
    """Text as in `shown`, without the quotes."""
    short = "".join(one if one.isprintable() else _escaped(one) for one in text[:longest])
    return short if len(text) <= longest else f"{short}..."


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
