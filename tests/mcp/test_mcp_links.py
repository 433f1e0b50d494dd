"""rekall_link, rekall_unlink and rekall_related."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.mcp_client import Assistant, in_process


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


def test_a_link_is_made_with_its_reason(assistant: Assistant) -> None:
    """Ids by prefix; the answer holds the full ones, as in 0.3."""
    one, two = assistant.add("One"), assistant.add("Two")
    reply = assistant.call(
        "rekall_link", source_id=one[:25], target_id=two.lower(), relation_type="supersedes", reason=" newer "
    )
    assert reply.text == f"{one} → [supersedes] → {two}\nReason: newer"
    link = reply.data["link"]
    assert (link["source_id"], link["target_id"], link["type"], link["reason"]) == (one, two, "supersedes", "newer")
    assert assistant.call("rekall_link", source_id=one, target_id=two, reason="x").data["link"]["type"] == "related"


def test_what_cannot_be_linked(assistant: Assistant) -> None:
    """A missing end, the same end twice, an existing link, an unknown type: each is one clear error."""
    one, two = assistant.add("One"), assistant.add("Two")
    assistant.call("rekall_link", source_id=one, target_id=two, reason="why")
    assert "already exists" in assistant.refusal("rekall_link", source_id=one, target_id=two, reason="again")
    assert "itself" in assistant.refusal("rekall_link", source_id=one, target_id=one, reason="why")
    assert "01NOBODY" in assistant.refusal("rekall_link", source_id=one, target_id="01NOBODY", reason="why")
    assert "reason" in assistant.refusal("rekall_link", source_id=one, target_id=two)
    refused = assistant.refusal("rekall_link", source_id=one, target_id=two, relation_type="likes", reason="why")
    assert "relation_type" in refused
    assert "likes" not in refused
    assert assistant.call("rekall_info").data["links"] == 1


def test_unlink_removes_every_type_in_one_direction(assistant: Assistant) -> None:
    """A link that is not there is no error: the wish is fulfilled."""
    one, two = assistant.add("One"), assistant.add("Two")
    for relation_type in ("related", "contradicts"):
        assistant.call("rekall_link", source_id=one, target_id=two, relation_type=relation_type, reason="why")
    assistant.call("rekall_link", source_id=two, target_id=one, reason="why")
    reply = assistant.call("rekall_unlink", source_id=one, target_id=two)
    assert f"{one} → {two}" in reply.text
    assert reply.data == {"source_id": one, "target_id": two, "removed": 2}
    again = assistant.call("rekall_unlink", source_id=one, target_id=two)
    assert one in again.text
    assert two in again.text
    assert again.data["removed"] == 0
    assert assistant.call("rekall_info").data["links"] == 1
    assistant.refusal("rekall_unlink", source_id=one, target_id="01NOBODY")


@pytest.mark.fault(1)
def test_related_walks_breadth_first(assistant: Assistant) -> None:
    """The direct links, then what they lead to, up to three links far (0.3 answered every id with an error)."""
    ids = {name: assistant.add(f"Entry {name}", tags=["a", "b", "c", "d"]) for name in "ABCDEF"}
    for source, target in ("AB", "CA", "BD", "DE", "EF", "DA"):
        assistant.call("rekall_link", source_id=ids[source], target_id=ids[target], reason=f"{source}{target}")

    def reached(depth: int) -> list[tuple[str, str, int]]:
        related = assistant.call("rekall_related", entry_id=ids["A"], depth=depth).data["related"]
        return [(one["title"][-1], one["direction"], one["depth"]) for one in related]

    direct = [("B", "outgoing", 1), ("C", "incoming", 1), ("D", "incoming", 1)]
    assert reached(1) == direct
    assert reached(2) == [*direct, ("E", "outgoing", 2)]
    assert reached(3) == reached(99) == [*direct, ("E", "outgoing", 2), ("F", "outgoing", 3)]
    assert reached(-1) == direct
    reply = assistant.call("rekall_related", entry_id=ids["A"][:25], depth=2)
    assert reply.text.split("\n") == [
        f"Related to {ids['A'][:12]}... Entry A",
        "",
        f"- → [related] [{ids['B'][:12]}...] Entry B",
        "  Type: bug | Tags: a, b, c",
        f"- ← [related] [{ids['C'][:12]}...] Entry C",
        "  Type: bug | Tags: a, b, c",
        f"- ← [related] [{ids['D'][:12]}...] Entry D",
        "  Type: bug | Tags: a, b, c",
        f"- → [related] [{ids['E'][:12]}...] Entry E",
        "  Type: bug | Tags: a, b, c | Depth: 2",
        "",
        "Total: 4 related (depth 2)",
    ]


def test_related_of_an_unlinked_or_unknown_entry(assistant: Assistant) -> None:
    """None is an answer, an unknown id an error."""
    one = assistant.add("One")
    assert assistant.call("rekall_related", entry_id=one).data["total_count"] == 0
    assert "01NOBODY" in assistant.refusal("rekall_related", entry_id="01NOBODY")


def test_two_links_to_one_entry_are_two_lines(assistant: Assistant) -> None:
    """Each direct link is listed, the entry is counted once."""
    one, two = assistant.add("One"), assistant.add("Two")
    for relation_type in ("related", "derived_from"):
        assistant.call("rekall_link", source_id=one, target_id=two, relation_type=relation_type, reason="why")
    reply = assistant.call("rekall_related", entry_id=one)
    assert [related["relation_type"] for related in reply.data["related"]] == ["related", "derived_from"]
    assert reply.data["total_count"] == 1
