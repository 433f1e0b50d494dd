"""Indented text made by hand is the text that Python's own encoder makes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.entries import ANY_TEXT, entries

from rekall.exchange.json_text import compact, entry_text
from rekall.models import Entry
from rekall.serializers import entries_to_json, entry_to_dict

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT


@given(st.dictionaries(ANY_TEXT, SCALARS | st.lists(SCALARS, max_size=4), min_size=1))
def test_any_scalars_and_lists(data: dict[str, Any]) -> None:
    """Whatever they hold."""
    assert entry_text(data) == json.dumps(data, indent=2, ensure_ascii=False)
    assert json.loads(compact(data)) == data
    assert "\n" not in compact(data)


@given(st.lists(entries(), min_size=1, max_size=3))
def test_entries_in_an_array(drawn: list[Entry]) -> None:
    """With the margin that they have there."""
    items = ",\n  ".join(entry_text(entry_to_dict(entry), margin="  ") for entry in drawn)
    assert f"[\n  {items}\n]" == entries_to_json(drawn)


def test_what_json_has_no_text_for() -> None:
    """Is refused."""
    for write in (compact, entry_text):
        with pytest.raises(ValueError, match="JSON"):
            write({"score": float("inf")})
