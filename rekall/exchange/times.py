"""Moments of a base, which has no zones, in a form that says the same on another machine."""

from __future__ import annotations

import functools
import re
from datetime import datetime, timedelta, timezone

from rekall.store.columns import UTC

_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.(\d{6}|\d{3}))?)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_OFFSET = re.compile(r"[+-]\d\d:\d\d(:\d\d)?|[Zz]")


def with_offset(text: str, zone: str) -> str | None:
    """A moment of a base with the offset from UTC that holds there and then, as `2025-12-20T10:00:00+01:00`.

    Args:
        text: as a column holds it.
        zone: `local` or `utc`, as the column is.

    Returns:
        None for what is no moment without an offset: it cannot be said in another way.
    """
    if not _NAIVE.fullmatch(text):
        return None
    try:
        offset = _offset(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError, OSError):  # no such day, or beyond what the machine's calendar knows
        return None
    return text + _text_of(offset)


def without_offset(text: str, zone: str) -> str:
    """The moment of a text as a column holds it on this machine; the inverse of `with_offset`.

    Where the same offset holds here, the text comes back character by character, even for an hour that a clock
    skipped or ran through twice.

    Args:
        text: an ISO moment; one without an offset, and a day, are taken to be as the column holds them already.
        zone: `local` or `utc`.

    Raises:
        ValueError: no ISO moment.
    """
    if _DAY.fullmatch(text):
        return text
    naive = _NAIVE.match(text)
    if naive is None or (naive.end() < len(text) and not _OFFSET.fullmatch(text[naive.end() :])):
        raise ValueError(f"{text[:40]!r} is no moment such as 2025-12-20T10:00:00+01:00")
    moment, rest = datetime.fromisoformat(naive[0]), text[naive.end() :]
    if not rest:
        return text
    given = _offset_of(rest)
    try:
        if given == _offset(moment, zone):
            return naive[0]
        universal = moment.replace(tzinfo=timezone(given))
        here = universal.astimezone(timezone.utc if zone == UTC else None)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{text[:40]!r} is beyond the calendar") from error
    return here.replace(tzinfo=None).isoformat(sep=naive[0][10])


@functools.cache
def _text_of(offset: timedelta) -> str:
    return datetime(2000, 1, 1, tzinfo=timezone(offset)).isoformat()[19:]


@functools.lru_cache
def _offset_of(text: str) -> timedelta:
    moment = datetime.fromisoformat("2000-01-01T00:00:00" + ("+00:00" if text in "Zz" else text))
    return moment.utcoffset() or timedelta()


def _offset(moment: datetime, zone: str) -> timedelta:
    return timedelta() if zone == UTC else moment.astimezone().utcoffset() or timedelta()
