"""Any entry and context that can be stored, for property tests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from hypothesis import strategies as st

from rekall.models import VALID_MEMORY_TYPES, VALID_TYPES, Entry, StructuredContext, generate_ulid

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
"""Any text that UTF-8 can hold: control characters, quotes, markup, other scripts."""
WORDS = ANY_TEXT.map(str.strip).filter(bool)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1))
SENTENCES = ANY_TEXT.filter(lambda text: len(text.strip()) >= 5)
_LISTS = st.none() | st.lists(WORDS, max_size=3)


def entries() -> st.SearchStrategy[Entry]:
    """Entries with every field set to anything that it takes."""
    return st.builds(
        Entry,
        id=st.builds(generate_ulid),
        title=WORDS,
        type=st.sampled_from(VALID_TYPES),
        content=ANY_TEXT,
        project=st.none() | WORDS,
        tags=st.lists(WORDS, max_size=4, unique=True).map(sorted),
        confidence=st.integers(0, 5),
        status=st.sampled_from(["active", "obsolete"]),
        created_at=MOMENTS,
        updated_at=MOMENTS,
        memory_type=st.sampled_from(VALID_MEMORY_TYPES),
        last_accessed=MOMENTS,
        access_count=st.integers(0, 10**6),
        consolidation_score=st.floats(0, 1),
        next_review=st.none() | st.dates(date(1990, 1, 1), date(2090, 1, 1)),
        review_interval=st.integers(1, 10**5),
        ease_factor=st.floats(1.3, 10),
    )


def contexts() -> st.SearchStrategy[StructuredContext]:
    """Structured contexts with every field set to anything that it takes."""
    return st.builds(
        StructuredContext,
        situation=SENTENCES,
        solution=SENTENCES,
        trigger_keywords=st.lists(WORDS, min_size=1, max_size=4),
        what_failed=st.none() | WORDS,
        conversation_excerpt=st.none() | WORDS,
        files_modified=_LISTS,
        error_messages=_LISTS,
        time_of_day=st.none() | st.sampled_from(["morning", "night"]),
        day_of_week=st.none() | st.sampled_from(["monday", "sunday"]),
        created_at=MOMENTS,
        extraction_method=st.sampled_from(["manual", "auto", "hybrid"]),
    )


def mcp_arguments() -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of rekall_add that it takes."""
    context = st.fixed_dictionaries(
        {
            "situation": SENTENCES,
            "solution": SENTENCES,
            "trigger_keywords": st.lists(WORDS, min_size=1, max_size=3),
        },
        optional={
            "what_failed": WORDS,
            "conversation_excerpt": WORDS,
            "files_modified": st.lists(WORDS, min_size=1, max_size=3),
            "error_messages": st.lists(WORDS, min_size=1, max_size=3),
        },
    )
    return st.fixed_dictionaries(
        {"type": st.sampled_from(VALID_TYPES), "title": WORDS, "content": ANY_TEXT, "context": context},
        optional={
            "tags": st.lists(WORDS, max_size=3),
            "project": WORDS,
            "confidence": st.integers(0, 5),
        },
    )
