"""Candidates, and the sessions in which they wait to be chosen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest
from support import processes

from rekall.transcript import CandidateExchanges, SessionManager, TranscriptMessage, get_session_manager
from rekall.transcript.session_manager import MAX_SESSIONS


def offered(first: int = 10, last: int = 30) -> CandidateExchanges:
    """Messages 10 to 29 of 30, as the end of a longer transcript."""
    return CandidateExchanges(
        "",
        last,
        [
            TranscriptMessage("assistant" if index % 2 else "human", f"m{index}", None, index)
            for index in range(first, last)
        ],
    )


@pytest.fixture
def manager() -> Iterator[SessionManager]:
    manager = get_session_manager()
    manager.clear_all()
    yield manager
    manager.clear_all()
    manager.stop_cleanup()


@pytest.mark.fault(47)
def test_indices_count_in_the_whole_transcript() -> None:
    """Of 30 messages the last 20 are 10 to 29, and each of them can be chosen (0.3 refused 20 and more)."""
    candidates = offered()
    assert [message.content for message in candidates.get_by_indices([29, 10, 29])] == ["m10", "m29"]
    assert candidates.format_as_excerpt([29, 10]) == "Human: m10\n\nAssistant: m29"
    assert candidates.get_by_indices([0, 9, 30, -1]) == []


def test_candidates_are_answered_cut() -> None:
    """500 characters and three dots; the excerpt has the whole."""
    when = datetime(2025, 3, 1, 9, 30)
    long = TranscriptMessage("human", "x" * 501, when, 4)
    candidates = CandidateExchanges("id", 5, [long, TranscriptMessage("assistant", "y" * 500)], skipped=2)
    answer = candidates.to_mcp_response()
    assert answer["candidates"] == [
        {"role": "human", "content": "x" * 500 + "...", "timestamp": "2025-03-01T09:30:00", "index": 4},
        {"role": "assistant", "content": "y" * 500, "timestamp": None, "index": 0},
    ]
    assert (answer["status"], answer["session_id"], answer["total_exchanges"]) == ("candidates_ready", "id", 5)
    assert answer["skipped"] == 2
    assert "conversation_excerpt_indices" in answer["instruction"]
    assert candidates.format_as_excerpt([4]) == "Human: " + "x" * 501
    assert long.full_content() == "x" * 501


@pytest.mark.fault(48)
def test_a_session_keeps_what_was_given(manager: SessionManager) -> None:
    """Everything of the first step, the content too, under a UUID; deleted once."""
    candidates = offered()
    context = {"situation": "s"}
    session_id = manager.create_session(candidates, "bug", "Title", context, ["t"], "p", 4, content="Because", cwd="/w")
    assert str(UUID(session_id)) == session_id == candidates.session_id
    session = manager.get_session(session_id)
    assert session is not None
    assert (session.entry_type, session.title, session.context, session.tags) == ("bug", "Title", context, ["t"])
    assert (session.project, session.confidence, session.content, session.cwd) == ("p", 4, "Because", "/w")
    assert session.candidates is candidates
    assert manager.get_selected_messages(session_id, [10]) == candidates.candidates[:1]
    assert manager.format_selected_as_excerpt(session_id, [10]) == "Human: m10"
    assert manager.session_count == 1
    assert manager.delete_session(session_id)
    assert not manager.delete_session(session_id)
    assert manager.get_session(session_id) is None
    assert manager.get_selected_messages(session_id, [10]) is None
    assert manager.format_selected_as_excerpt(session_id, [10]) is None


def test_a_session_lives_five_minutes(manager: SessionManager) -> None:
    """Just under them it is there, at them it is gone from everywhere."""
    session = manager.get_session(manager.create_session(offered()))
    assert session is not None
    session.created_at = datetime.now() - timedelta(seconds=295)
    assert manager.get_session(session.session_id) is session
    session.created_at = datetime.now() - timedelta(seconds=300)
    assert session.is_expired()
    assert not session.is_expired(400)
    assert manager.get_session(session.session_id) is None
    assert manager.session_count == 0
    with manager.claim(session.session_id) as claimed:
        assert claimed is None


def test_the_oldest_session_makes_room(manager: SessionManager) -> None:
    """Callers who never choose cannot fill the memory."""
    made = [manager.create_session(offered()) for _ in range(MAX_SESSIONS + 3)]
    assert manager.session_count == MAX_SESSIONS
    assert [manager.get_session(session_id) is None for session_id in made] == [True] * 3 + [False] * MAX_SESSIONS


def test_a_session_is_used_up_once_and_kept_by_a_failure(manager: SessionManager) -> None:
    """While one uses it nobody else finds it; an exception puts it back with the time it has left."""
    session_id = manager.create_session(offered())
    before = manager.get_session(session_id)

    def fail() -> None:
        with manager.claim(session_id) as session:
            assert session is before
            assert manager.get_session(session_id) is None
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    kept = manager.get_session(session_id)
    assert kept is before
    with manager.claim(session_id) as session:
        assert session is kept
    assert manager.get_session(session_id) is None


def test_of_many_threads_one_gets_the_session(manager: SessionManager) -> None:
    """Two assistants with one id store one entry."""
    start = Barrier(8)

    def claim(session_id: str) -> bool:
        start.wait()
        with manager.claim(session_id) as session:
            return session is not None

    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            session_id = manager.create_session(offered())
            assert sum(pool.map(claim, [session_id] * 8)) == 1


def test_there_is_one_object(manager: SessionManager) -> None:
    """However it is asked for, as in 0.3; the arguments count the first time."""
    assert SessionManager(ttl_seconds=1) is manager
    session = manager.get_session(manager.create_session(offered()))
    assert session is not None
    session.created_at = datetime.now() - timedelta(seconds=100)
    assert manager.get_session(session.session_id) is session


def test_what_nobody_asks_for_does_not_stay_in_memory() -> None:
    """A thread forgets expired conversations and ends with the last one; it can be stopped."""
    printed = processes.run(
        """
import gc, threading, time, weakref
from rekall.transcript import CandidateExchanges, SessionManager
def cleaners():
    return [thread for thread in threading.enumerate() if thread.name == "rekall-session-cleanup"]
manager = SessionManager(ttl_seconds=1, cleanup_interval=0)
candidates = CandidateExchanges("", 0)
alive = weakref.ref(candidates)
manager.create_session(candidates)
del candidates
print(len(cleaners()), alive() is not None)
deadline = time.monotonic() + 20
while cleaners() and time.monotonic() < deadline:
    time.sleep(0.05)
gc.collect()
print(len(cleaners()), alive() is not None)
manager.create_session(CandidateExchanges("", 0))
manager.create_session(CandidateExchanges("", 0))
(thread,) = cleaners()
manager.stop_cleanup()
thread.join(20)
print(len(cleaners()))
"""
    )
    assert printed.split("\n") == ["1 True", "0 False", "0", ""]
