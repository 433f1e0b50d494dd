"""Options, arguments, tool parameters and config keys: what was accepted, and what is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from api_surface.difference import Difference, breaking, look
from api_surface.lines import Line, facts_of

_MORE = {("integer", "number"), ("integer", "text"), ("number", "text"), ("integer", "string"), ("path", "text")}
"""Types of which the second accepts all that the first did."""


def compare_declared(old: Line, new: Line) -> Iterator[Difference]:
    """The differences between two lines made of `name=value` facts."""
    if old.kind != new.kind:
        yield breaking(f"was a {old.kind}, is a {new.kind}")
        return
    before, after = facts_of(old), facts_of(new)
    for fact in sorted({*before, *after}):
        was, is_now = before.get(fact), after.get(fact)
        if was != is_now:
            yield from _COMPARED.get(fact, _looked_at)(fact, was, is_now)


def _looked_at(fact: str, was: Any, is_now: Any) -> Iterator[Difference]:
    yield look(f"has {fact} {_shown(is_now)} instead of {_shown(was)}")


def _required(_: str, was: Any, is_now: Any) -> Iterator[Difference]:
    yield breaking("is required now") if is_now else look("is no longer required")


def _kept(fact: str, was: Any, is_now: Any) -> Iterator[Difference]:
    if was:
        yield breaking(f"has {fact} {_shown(is_now)} instead of {_shown(was)}")
    else:
        yield look(f"has {fact} {_shown(is_now)}")


def _choices(_: str, was: Any, is_now: Any) -> Iterator[Difference]:
    if was is None:
        yield breaking(f"accepts {', '.join(is_now)} and nothing else now")
    elif is_now is not None:
        refused = [choice for choice in was if choice not in is_now]
        yield breaking(f"accepts {', '.join(refused)} no more") if refused else look("accepts further choices")
    else:
        yield look("accepts anything now")


def _lowest(_: str, was: Any, is_now: Any) -> Iterator[Difference]:
    higher = is_now is not None and (was is None or is_now > was)
    yield (breaking if higher else look)(f"accepts no less than {_shown(is_now)}, and was {_shown(was)}")


def _highest(_: str, was: Any, is_now: Any) -> Iterator[Difference]:
    lower = is_now is not None and (was is None or is_now < was)
    yield (breaking if lower else look)(f"accepts no more than {_shown(is_now)}, and was {_shown(was)}")


def _type(_: str, was: Any, is_now: Any) -> Iterator[Difference]:
    words = f"is {_shown(is_now)} instead of {_shown(was)}"
    before, after = ({*each} if isinstance(each, list) else {each} for each in (was, is_now))
    is_more = is_now is None or before < after or any({less} == before and {more} == after for less, more in _MORE)
    yield look(words) if is_more and "flag" not in before | after else breaking(words)


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)


_COMPARED = {
    "choices": _choices,
    "environment": _kept,
    "highest": _highest,
    "items": _type,
    "lowest": _lowest,
    "repeatable": _kept,
    "required": _required,
    "several": _kept,
    "turns_off": _kept,
    "type": _type,
}
