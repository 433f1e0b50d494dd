"""Chance that repeats itself, for tests that try many cases."""

from __future__ import annotations

import random


def seeded(seed: int) -> random.Random:
    """A generator that gives the same draws on every run."""
    return random.Random(seed)  # noqa: S311  # chooses test cases, guards no secret
