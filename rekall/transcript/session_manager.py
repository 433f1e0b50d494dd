"""What is remembered between the two steps of a capture: a few sessions, for five minutes, in this process."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from rekall.transcript.models import CandidateExchanges, TranscriptMessage

SESSION_SECONDS = 300
MAX_SESSIONS = 32
"""Sessions kept; one more forgets the oldest."""


@dataclass
class SessionData:
    """One capture between its steps: the candidates, and what was given with the first step."""

    session_id: str
    candidates: CandidateExchanges
    created_at: datetime = field(default_factory=datetime.now)
    entry_type: str | None = None
    title: str | None = None
    context: dict[str, Any] | None = None
    tags: list[str] | None = None
    project: str | None = None
    confidence: int = 2
    content: str | None = None
    auto_detect_files: bool = False
    cwd: str | None = None

    def is_expired(self, ttl_seconds: int = SESSION_SECONDS) -> bool:
        """Whether it began so long ago that it is forgotten."""
        return (datetime.now() - self.created_at).total_seconds() >= ttl_seconds


class SessionManager:
    """The sessions of this process: as in 0.3 there is one object, whatever number of times it is asked for.

    Args:
        ttl_seconds: how long a session lives; counts when the object is made. Likewise cleanup_interval.
        cleanup_interval: seconds, 1 at least, between two looks for expired sessions while there are any, so that a
            conversation does not stay in memory when nobody asks again.
    """

    _instance: ClassVar[SessionManager | None] = None
    _making: ClassVar[threading.Lock] = threading.Lock()
    _initialized: bool = False

    def __new__(cls, ttl_seconds: int = SESSION_SECONDS, cleanup_interval: int = 60) -> SessionManager:
        with cls._making:
            if cls._instance is None:
                cls._instance = super().__new__(cls)
            return cls._instance

    def __init__(self, ttl_seconds: int = SESSION_SECONDS, cleanup_interval: int = 60) -> None:
        with self._making:
            if self._initialized:
                return
            self._ttl = ttl_seconds
            self._interval = max(1, cleanup_interval)
            self._lock = threading.Lock()
            self._sessions: dict[str, SessionData] = {}
            self._cleaner: threading.Event | None = None
            self._initialized = True

    def create_session(
        self,
        candidates: CandidateExchanges,
        entry_type: str | None = None,
        title: str | None = None,
        context: dict[str, Any] | None = None,
        tags: list[str] | None = None,
        project: str | None = None,
        confidence: int = 2,
        *,
        content: str | None = None,
        auto_detect_files: bool = False,
        cwd: str | None = None,
    ) -> str:
        """Begin a session; its id, a UUID, is also set on the candidates."""
        session = SessionData(
            str(uuid.uuid4()),
            candidates,
            entry_type=entry_type,
            title=title,
            context=context,
            tags=tags,
            project=project,
            confidence=confidence,
            content=content,
            auto_detect_files=auto_detect_files,
            cwd=cwd,
        )
        candidates.session_id = session.session_id
        with self._lock:
            self._keep(session)
        return session.session_id

    def get_session(self, session_id: str) -> SessionData | None:
        """The session, None when there is none or it has expired."""
        with self._lock:
            self._forget_expired()
            return self._sessions.get(session_id)

    def delete_session(self, session_id: str) -> bool:
        """Forget a session; whether there was one."""
        with self._lock:
            self._forget_expired()
            return self._sessions.pop(session_id, None) is not None

    @contextmanager
    def claim(self, session_id: str) -> Iterator[SessionData | None]:
        """Use a session up: nobody else finds it meanwhile, and it is there again if the block raises.

        Yields:
            The session, None when there is none or it has expired.
        """
        with self._lock:
            self._forget_expired()
            session = self._sessions.pop(session_id, None)
        try:
            yield session
        except BaseException:
            if session is not None:
                with self._lock:
                    self._keep(session)
            raise

    def get_selected_messages(self, session_id: str, indices: list[int]) -> list[TranscriptMessage] | None:
        """The candidates with these indices, None without the session."""
        session = self.get_session(session_id)
        return None if session is None else session.candidates.get_by_indices(indices)

    def format_selected_as_excerpt(self, session_id: str, indices: list[int]) -> str | None:
        """The excerpt made of these candidates, None without the session."""
        session = self.get_session(session_id)
        return None if session is None else session.candidates.format_as_excerpt(indices)

    @property
    def session_count(self) -> int:
        """Sessions that have not expired."""
        with self._lock:
            self._forget_expired()
            return len(self._sessions)

    def clear_all(self) -> None:
        """Forget every session."""
        with self._lock:
            self._sessions.clear()

    def stop_cleanup(self) -> None:
        """End the thread that looks for expired sessions; the next session starts one again."""
        with self._lock:
            if self._cleaner is not None:
                self._cleaner.set()
                self._cleaner = None

    def _keep(self, session: SessionData) -> None:
        self._forget_expired()
        self._sessions[session.session_id] = session
        while len(self._sessions) > MAX_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda each: self._sessions[each].created_at)]
        if self._cleaner is None:
            self._cleaner = threading.Event()
            threading.Thread(
                target=self._clean, args=(self._cleaner,), name="rekall-session-cleanup", daemon=True
            ).start()

    def _clean(self, stopped: threading.Event) -> None:
        while not stopped.wait(self._interval):
            with self._lock:
                self._forget_expired()
                if not self._sessions and self._cleaner is stopped:
                    self._cleaner = None
                    return

    def _forget_expired(self) -> None:
        for session_id in [each for each, session in self._sessions.items() if session.is_expired(self._ttl)]:
            del self._sessions[session_id]


def get_session_manager() -> SessionManager:
    """The sessions of this process."""
    return SessionManager()
