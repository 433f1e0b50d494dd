"""What the comparison of two surfaces says of one thing."""

from __future__ import annotations

from typing import Literal, NamedTuple

Weight = Literal["breaking", "look", "new"]
"""Breaks somebody for certain; changed, and a person has to look; only added."""


class Difference(NamedTuple):
    """One change of one thing.

    Args:
        weight: what it means for those who use the thing.
        what: the change in words that follow the name, such as `is gone`.
        parameter: the parameter that it is about; empty when it is about the whole.
    """

    weight: Weight
    what: str
    parameter: str = ""


def breaking(what: str, parameter: str = "") -> Difference:
    """A change that breaks somebody."""
    return Difference("breaking", what, parameter)


def look(what: str, parameter: str = "") -> Difference:
    """A change of which a text cannot tell whether it breaks somebody."""
    return Difference("look", what, parameter)


def added(what: str, parameter: str = "") -> Difference:
    """Something more than there was."""
    return Difference("new", what, parameter)
