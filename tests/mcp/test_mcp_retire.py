"""rekall_deprecate and rekall_delete, and rekall_info and rekall_help beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.mcp_client import Assistant, in_process

from rekall.errors import ConfigError


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


@pytest.mark.fault(2)
def test_deprecate_marks_an_entry_obsolete(assistant: Assistant) -> None:
    """In 0.3 every call failed. The lines are those that it meant to give."""
    entry_id = assistant.add("Old")
    reply = assistant.call("rekall_deprecate", id=entry_id[:25])
    lines = reply.text.split("\n")
    assert lines[:3] == [f"Deprecated: {entry_id}", "Title: Old", "Reason: none given"]
    assert "obsolete" in lines[3]
    entry = assistant.call("rekall_show", id=entry_id).data["entry"]
    assert (entry["status"], entry["superseded_by"]) == ("obsolete", None)


def test_the_reason_is_kept_on_the_link_from_the_replacement(assistant: Assistant) -> None:
    """And the same call again changes nothing more."""
    old, new = assistant.add("Old"), assistant.add("New")
    for _ in range(2):
        reply = assistant.call("rekall_deprecate", id=old, replaced_by=new[:25], reason="too slow")
        assert f"Superseded by: {new}\nReason: too slow\n" in reply.text
        assert reply.data["reason_kept"]
        assert reply.data["superseded_by"] == new
    shown = assistant.call("rekall_show", id=old).data
    assert shown["entry"]["superseded_by"] == new
    (link,) = shown["links"]
    assert (link["id"], link["direction"], link["type"], link["reason"]) == (new, "incoming", "supersedes", "too slow")
    other = assistant.call("rekall_deprecate", id=old, replaced_by=new, reason="another")
    assert not other.data["reason_kept"]
    assert "not kept" in other.text


def test_a_reason_without_a_replacement_is_not_said_to_be_kept(assistant: Assistant) -> None:
    """There is nowhere to keep it, and the answer says so."""
    reply = assistant.call("rekall_deprecate", id=assistant.add("Old"), reason="wrong")
    assert not reply.data["reason_kept"]
    assert "not kept" in reply.text


def test_what_cannot_be_deprecated(assistant: Assistant) -> None:
    """An unknown entry or replacement, or an entry that replaces itself: nothing changes."""
    old = assistant.add("Old")
    assistant.refusal("rekall_deprecate", id="01NOBODY")
    assert "01NOBODY" in assistant.refusal("rekall_deprecate", id=old, replaced_by="01NOBODY", reason="x")
    assert "itself" in assistant.refusal("rekall_deprecate", id=old, replaced_by=old[:25])
    assert assistant.call("rekall_show", id=old).data["entry"]["status"] == "active"


def test_delete_needs_confirmation(assistant: Assistant) -> None:
    """The refusal names what to set and what to use instead; a word that reads as yes is not enough."""
    entry_id = assistant.add("Kept")
    refused = assistant.refusal("rekall_delete", id=entry_id, confirm=False)
    assert "confirm" in refused
    assert "rekall_deprecate" in refused
    for confirm in ("yes", 1, None):
        assert "confirm" in assistant.refusal("rekall_delete", id=entry_id, confirm=confirm)
    assert "confirm" in assistant.refusal("rekall_delete", id=entry_id)
    assert assistant.call("rekall_info").data["entries"] == 1


@pytest.mark.fault(27)
def test_delete_removes_an_entry_that_others_name(assistant: Assistant) -> None:
    """In 0.3 an entry named in superseded_by could not be deleted."""
    old, new = assistant.add("Old"), assistant.add("New", type="decision")
    assistant.call("rekall_deprecate", id=old, replaced_by=new, reason="x")
    reply = assistant.call("rekall_delete", id=new[:25], confirm=True)
    lines = reply.text.split("\n")
    assert lines[:3] == [f"Deleted: {new}", "Title: New", "Type: decision"]
    assert lines[3].startswith("Warning")
    assert reply.data == {"id": new, "type": "decision", "title": "New", "deleted": True}
    assert new in assistant.refusal("rekall_delete", id=new, confirm=True)
    assert assistant.call("rekall_show", id=old).data["entry"]["superseded_by"] is None
    assert assistant.call("rekall_info").data["links"] == 0


def test_info_counts(assistant: Assistant) -> None:
    """Active entries by type and project, most first; links; obsolete ones apart."""
    for number in range(3):
        assistant.add(f"Bug {number}", project="shop")
    assistant.add("Decision", type="decision")
    assistant.call("rekall_deprecate", id=assistant.add("Old"))
    reply = assistant.call("rekall_info")
    assert reply.data == {
        "entries": 4,
        "obsolete": 1,
        "by_type": {"bug": 3, "decision": 1},
        "by_project": [{"project": "shop", "entries": 3}, {"project": None, "entries": 1}],
        "links": 0,
        "sources": 0,
        "sources_by_tier": {"bronze": 0, "silver": 0, "gold": 0},
        "vectors": None,
    }
    for line in ("## Entries: 4", "- bug: 3", "- decision: 1", "- shop: 3", "- [no project]: 1", "## Links: 0"):
        assert line in reply.text.split("\n")


def test_info_lists_ten_projects(assistant: Assistant) -> None:
    """More would only cost attention."""
    for number in range(11):
        assistant.add("Bug", project=f"p{number}")
    assert len(assistant.call("rekall_info").data["by_project"]) == 10


@pytest.mark.fault(49)
def test_help_honours_its_topic_and_needs_no_base() -> None:
    """0.3 gave the same text whatever the topic was."""

    def no_database() -> None:
        raise ConfigError("no base here")

    with in_process(no_database) as assistant:  # type: ignore[arg-type]  # it never returns
        guides = {topic: assistant.call("rekall_help", topic=topic).text for topic in ("search", "add", "links")}
        assert len(set(guides.values())) == 3
        for topic, tool in (("search", "rekall_search"), ("add", "rekall_add"), ("links", "rekall_link")):
            assert tool in guides[topic]
        whole = assistant.call("rekall_help").text
        assert whole == assistant.call("rekall_help", topic="all").text
        assert all(guide.split("\n\n")[1] in whole for guide in guides.values())
        assert "topic" in assistant.refusal("rekall_help", topic="cooking")
        assert assistant.refusal("rekall_info") == "no base here"
