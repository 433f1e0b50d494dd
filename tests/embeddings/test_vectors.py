"""The cosine of two vectors, and of one with many."""

from __future__ import annotations

import numpy as np
import pytest

from rekall.embeddings import batch_cosine_similarity, cosine_similarity
from rekall.embeddings.vectors import matryoshka

ROWS = np.array([[1, 0], [0, 2], [3, 3], [0, 0], [-1, 0]], dtype=np.float32)
IDS = ["same", "across", "between", "nothing", "opposite"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 0], [2, 0], 1.0),
        ([1, 0], [0, 5], 0.0),
        ([1, 0], [-3, 0], -1.0),
        ([1, 1], [1, 0], 2**-0.5),
        ([0, 0], [1, 0], 0.0),
        ([0, 0], [0, 0], 0.0),
    ],
)
def test_the_cosine_of_two(one: list[float], other: list[float], expected: float) -> None:
    """Whatever their lengths; 0 when one has none."""
    assert cosine_similarity(np.array(one), np.array(other)) == pytest.approx(expected)


def test_the_best_of_many_come_first() -> None:
    """Rows need not have the length 1; what is below the threshold is left out, a row without length scores 0."""
    found = batch_cosine_similarity(np.array([2.0, 0.0]), ROWS, IDS)
    assert [entry_id for entry_id, _ in found] == ["same", "between", "across", "nothing"]
    assert [score for _, score in found] == pytest.approx([1, 2**-0.5, 0, 0])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"threshold": 2**-0.5 - 1e-6}, ["same", "between"]),
        ({"threshold": -1.0}, ["same", "between", "across", "nothing", "opposite"]),
        ({"limit": 1}, ["same"]),
        ({"limit": 1, "exclude_id": "same"}, ["between"]),
        ({"limit": 0}, []),
        ({"exclude_id": "nobody", "limit": 2}, ["same", "between"]),
    ],
)
def test_what_is_left_out(arguments: dict[str, float], expected: list[str]) -> None:
    """By threshold (inclusive), by number, by id."""
    found = batch_cosine_similarity(np.array([1.0, 0.0]), ROWS, IDS, **arguments)  # type: ignore[arg-type]  # by name
    assert [entry_id for entry_id, _ in found] == expected


def test_nothing_to_compare() -> None:
    """A query without length, a matrix without rows."""
    assert batch_cosine_similarity(np.zeros(2), ROWS, IDS) == []
    assert batch_cosine_similarity(np.ones(2), np.empty((0, 2)), []) == []


def test_a_damaged_row_is_like_nothing() -> None:
    """Infinite numbers and such that are none neither raise nor rank."""
    damaged = np.array([[np.inf, 0], [np.nan, 1], [1, 0]], dtype=np.float32)
    assert batch_cosine_similarity(np.array([1.0, 0.0]), damaged, ["a", "b", "c"]) == [("c", 1.0)]


def test_the_beginning_of_a_vector() -> None:
    """Cut and of length 1 again; a shorter one is what it was."""
    assert matryoshka(np.array([3.0, 4.0, 12.0]), 2).tolist() == pytest.approx([0.6, 0.8])
    assert matryoshka(np.array([0.0, 0.0, 1.0]), 2).tolist() == [0, 0]
    short = np.array([3.0, 4.0])
    assert matryoshka(short, 2) is short
    assert matryoshka(short, 3) is short
