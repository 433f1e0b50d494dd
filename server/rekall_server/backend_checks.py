"""Whether a back end answers: asked in a thread, within a bounded time, once for all who want to know."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import structlog

from rekall.errors import RekallError
from rekall_server.logs import hide

GOOD_FOR = 1.0
"""Seconds for which an answer counts: many who ask are no load for the back end."""
LONGEST = 2.0
"""Seconds that are waited for the back end."""


class Finding(NamedTuple):
    """How a back end was found.

    Args:
        ok: it answers.
        text: one line for the operator that says what is wrong; empty where nothing is.
    """

    ok: bool
    text: str = ""


class BackendCheck:
    """Asks one back end, at most once a second; used on one event loop.

    Args:
        ask: raises what is wrong; may block.
        longest: seconds that are waited for it.
        good_for: seconds for which the answer counts.
    """

    def __init__(self, ask: Callable[[], None], *, longest: float = LONGEST, good_for: float = GOOD_FOR) -> None:
        self._ask = ask
        self._longest = longest
        self._good_for = good_for
        self._running: asyncio.Future[Finding] | None = None
        self._started = 0.0
        self._last: Finding | None = None
        self._at = 0.0

    async def finding(self) -> Finding:
        """How the back end is; what was found a moment ago, if it was asked then."""
        now = time.monotonic()
        if self._last is not None and now - self._at < self._good_for:
            return self._last
        running = self._running or self._begin(now)
        # from its beginning: whoever comes later waits no longer than the first
        done, _ = await asyncio.wait([running], timeout=max(self._started + self._longest - now, 0.0))
        if done:
            return running.result()
        return Finding(False, f"no answer within {self._longest:g} seconds")

    def _begin(self, now: float) -> asyncio.Future[Finding]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Finding] = loop.create_future()
        self._running, self._started = future, now

        def ended(finding: Finding) -> None:
            self._last, self._at, self._running = finding, time.monotonic(), None
            if not future.done():
                future.set_result(finding)

        def work() -> None:
            finding = self._asked()
            try:
                loop.call_soon_threadsafe(ended, finding)
            except RuntimeError:
                return  # the loop is closed, and nobody waits

        # a thread of its own: it may hang for as long as the back end does, and must not hold up the end of the process
        threading.Thread(target=work, name="rekall-server-check", daemon=True).start()
        return future

    def _asked(self) -> Finding:
        try:
            self._ask()
        except RekallError as error:
            return Finding(False, hide(" ".join(str(error).split())))
        except Exception as error:  # noqa: BLE001  # whatever a back end of another author raises
            structlog.get_logger("rekall_server.ready").error("check.failed", exc_info=error)
            return Finding(False, f"the check failed: {type(error).__name__}")
        return Finding(True)
