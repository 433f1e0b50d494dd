"""rekall_similar and rekall_generalize."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.mcp_client import Assistant, in_process

from rekall.config import get_config
from rekall.db import Database


@pytest.fixture
def db() -> Iterator[Database]:
    with Database(get_config().db_path) as opened:
        yield opened


@pytest.fixture
def assistant(db: Database) -> Iterator[Assistant]:
    with in_process(lambda: db) as connected:
        yield connected


def test_similar_entries_share_words(assistant: Assistant) -> None:
    """Best first, in the shape of 0.3, without a model; the command names that 0.3 gave did not exist."""
    one = assistant.add("Proxy timeout in nginx", tags=["a", "b", "c", "d"])
    two = assistant.add("nginx proxy answers 504: timeout", tags=["a", "b", "c", "d"])
    other = assistant.add(
        "Colours of the chart",
        context={"situation": "The palette", "solution": "Use viridis", "trigger_keywords": ["palette"]},
    )
    reply = assistant.call("rekall_similar", entry_id=one[:25])
    (found,) = reply.data["similar"]
    assert (reply.data["entry_id"], found["id"]) == (one, two)
    assert 0 < found["score"] <= 1
    assert {"nginx", "proxy", "timeout"} <= set(found["shared"])
    assert reply.text.splitlines()[2:4] == [
        f"- [{two[:12]}...] nginx proxy answers 504: timeout ({found['score']:.0%} similar)",
        "  Type: bug | Tags: a, b, c",
    ]
    assert assistant.call("rekall_similar", entry_id=one, limit=0).data["similar"] == []
    assert "\n" not in assistant.call("rekall_similar", entry_id=other).text
    assert "01NOBODY" in assistant.refusal("rekall_similar", entry_id="01NOBODY")


def test_generalize_makes_one_linked_entry(db: Database, assistant: Assistant) -> None:
    """Tags that two have, the project of the first, confidence 3, episodic: as 0.3; each link has a reason."""
    one = assistant.add("One", tags=["web", "cors"], project="shop")
    two = assistant.add("Two", tags=["cors"], project="other")
    three = assistant.add("Three", tags=["css"])
    reply = assistant.call("rekall_generalize", entry_ids=[one, two[:25], three], title=" All of it ")
    made = db.get(reply.data["id"], update_access=False)
    assert made is not None
    assert (made.title, made.type, made.project, made.tags) == ("All of it", "pattern", "shop", ["cors"])
    assert (made.confidence, made.memory_type) == (3, "episodic")
    links = db.get_links(made.id)
    assert {(link.target_id, link.relation_type) for link in links} == {
        (end, "derived_from") for end in (one, two, three)
    }
    assert all(link.reason for link in links)
    assert reply.data["derived_from"] == [one, two, three]
    assert reply.text.splitlines() == [
        f"Created: {made.id}",
        "Title: All of it",
        "Type: pattern",
        "Tags: cors",
        "Links: 3 derived_from",
    ]


@pytest.mark.fault(49)
def test_a_repeated_id_counts_once(db: Database, assistant: Assistant) -> None:
    """0.3 left an entry with half of its links; one entry alone is refused, and nothing is stored."""
    one, two = assistant.add("One"), assistant.add("Two")
    made = assistant.call("rekall_generalize", entry_ids=[one, two, one], type="decision").data
    assert made["derived_from"] == [one, two]
    assert len(db.get_links(made["id"])) == 2
    count = len(db.list_all())
    assert "two" in assistant.refusal("rekall_generalize", entry_ids=[one, one])
    assert "01NOBODY" in assistant.refusal("rekall_generalize", entry_ids=[one, "01NOBODY"])
    assert "title" in assistant.refusal("rekall_generalize", entry_ids=[one, two], title=" ")
    assert len(db.list_all()) == count
