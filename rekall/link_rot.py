"""Link rot: which sources can still be reached, asked politely over the network (see `rekall.safe_http`)."""

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from rekall.errors import FetchError
from rekall.models import Source
from rekall.store import OpenBase
from rekall.store.sources.verification import Checked, Verification
from rekall.urls import extract_domain

Outcome: TypeAlias = Literal["accessible", "inaccessible", "refused"]
Progress: TypeAlias = Callable[[int, int, str], object]

WORKERS = 8
"""Hosts asked at the same time; one host is asked one page at a time."""
PAUSE = 0.5
"""Seconds between two pages of one host."""
_KEPT_AFTER = 20
_KEPT_EVERY = 5.0

_WORDS = {
    "invalid": "Invalid URL",
    "refused": "Not a Public Address",
    "unresolved": "DNS Error",
    "timeout": "Timeout",
    "connection": "Connection Error",
}
_FORBIDDEN = 403  # there, but not for a program


@dataclass(frozen=True)
class SourceCheck:
    """What the check of one source found.

    Args:
        url: the address that was asked for.
        outcome: `refused` when the address is not public: nothing was sent there, and the status is kept.
        message: `OK`, or why not.
    """

    source: Source
    url: str
    outcome: Outcome
    message: str
    moment: datetime


class LinkRotChecker:
    """Asks whether pages can be reached; threads may share one.

    Args:
        timeout: seconds for one page, everything included.
        allow_private: ask pages at addresses that are not public too.
        ssl_context: how certificates are verified; against the authorities that the system trusts if left out.
    """

    def __init__(
        self, timeout: float = 10, *, allow_private: bool = False, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        from rekall.safe_http import SafeHttp  # not before a check is wanted: it loads an HTTP client

        self._http = SafeHttp(timeout=timeout, allow_private=allow_private, ssl_context=ssl_context)

    def check_source(self, url_pattern: str, domain: str) -> tuple[bool, str]:
        """Whether the page that stands for a source can be reached, and `OK` or why not."""
        return self.check_url_accessibility(source_url(url_pattern, domain))

    def check_url_accessibility(self, url: str) -> tuple[bool, str]:
        """Whether a page can be reached, and `OK` or why not.

        An answer of 200 to 399 or 403 counts as reached; redirects are not followed.
        """
        outcome, message = self.check(url)
        return outcome == "accessible", message

    def check(self, url: str) -> tuple[Outcome, str]:
        """As `check_url_accessibility`, telling a page that was not asked for from one that did not answer."""
        try:
            status = self._http.status(url)
        except FetchError as error:
            return "refused" if error.reason == "refused" else "inaccessible", _WORDS[error.reason]
        if 200 <= status < 400 or status == _FORBIDDEN:
            return "accessible", "OK"
        if status >= 500:
            return "inaccessible", "Server Error"
        return "inaccessible", {404: "Not Found", 410: "Gone"}.get(status, f"HTTP {status}")


def source_url(url_pattern: str | None, domain: str) -> str:
    """The address that stands for a source: https, its domain, and its pattern up to the first `*`.

    A pattern that is itself an address, as a promoted source has, is taken for what it is. A folder ends in one slash;
    a file (a dot in the last part) and a query end as they are.
    """
    pattern = (url_pattern or "").strip().partition("*")[0]
    if pattern.lower().startswith(("http://", "https://")):
        return pattern
    path = f"/{pattern.lstrip('/')}"
    if "?" in path or "#" in path or "." in path.rpartition("/")[2]:
        return f"https://{domain}{path}"
    return f"https://{domain}{path.rstrip('/')}/"


def verify_sources(
    db: OpenBase,
    limit: int = 100,
    on_progress: Progress | None = None,
    days_since_check: int = 1,
    *,
    domain: str | None = None,
    checker: LinkRotChecker | None = None,
    on_check: Callable[[SourceCheck], object] | None = None,
    workers: int = WORKERS,
    pause: float = PAUSE,
    seconds: float | None = None,
) -> dict[str, Any]:
    """Check the sources that were not checked for some days, longest unchecked first, and store what was found.

    A source becomes `active` or `inaccessible`; an archived one stays archived. One at an address that is not public is
    not contacted and keeps its status. What was checked is stored every few seconds, and at the end also when the end
    is an interrupt or an error.

    Args:
        limit: how many sources at most.
        on_progress: called with how many are done, how many there are, and the domain of the last one.
        days_since_check: 0 for all.
        domain: the sources of this domain only.
        checker: asks for the pages; `LinkRotChecker()` if left out.
        on_check: called with each result, from the thread that called.
        workers: hosts asked at the same time.
        pause: seconds between two pages of one host.
        seconds: time for all of it; what is not known by then is left for the next run. No limit if left out.

    Returns:
        `verified`, `accessible` and `inaccessible`: how many; `errors`: `source_id`, `domain` and `message` of each
        that is not accessible; `refused`: how many of these were not contacted; `postponed`: how many were left.
    """
    sources = db.store.source_lists.get_sources_to_verify(days_since_check, limit, domain=domain)
    found: dict[str, Any] = {"verified": 0, "accessible": 0, "inaccessible": 0, "refused": 0, "errors": []}
    found["postponed"] = len(sources)
    if not sources:
        return found
    ends = None if seconds is None else time.monotonic() + seconds
    records = _Records(Verification(db.store.session))
    try:
        for done, check in enumerate(_checks(sources, checker or LinkRotChecker(), workers, pause, ends), 1):
            records.add(check)
            found[check.outcome] += 1
            found["postponed"] -= 1
            if check.outcome != "accessible":
                problem = {"source_id": check.source.id, "domain": check.source.domain, "message": check.message}
                found["errors"].append(problem)
            if on_check is not None:
                on_check(check)
            if on_progress is not None:
                on_progress(done, len(sources), check.source.domain)
    finally:
        records.store()
    found["verified"] = found["accessible"] + found["inaccessible"]
    return found


class _Records:
    """Stores results in few batches, soon enough that an interrupted run loses none that it has counted."""

    def __init__(self, verification: Verification) -> None:
        self._verification = verification
        self._waiting: list[Checked] = []
        self._stored = time.monotonic()

    def add(self, check: SourceCheck) -> None:
        status: dict[Outcome, Literal["active", "inaccessible"]] = {
            "accessible": "active",
            "inaccessible": "inaccessible",
        }
        self._waiting.append(Checked(check.source.id, status.get(check.outcome), check.moment))
        if len(self._waiting) >= _KEPT_AFTER or time.monotonic() - self._stored > _KEPT_EVERY:
            self.store()

    def store(self) -> None:
        if self._waiting:
            self._verification.record(self._waiting)
        self._waiting.clear()
        self._stored = time.monotonic()


def _checks(
    sources: list[Source], checker: LinkRotChecker, workers: int, pause: float, ends: float | None
) -> Iterator[SourceCheck]:
    """The results in the order in which they come: hosts side by side, the pages of one host one after the other."""
    hosts: dict[str, dict[str, list[Source]]] = {}
    for source in sources:
        url = source_url(source.url_pattern, source.domain)
        hosts.setdefault(extract_domain(url).rstrip("."), {}).setdefault(url, []).append(source)
    todo: queue.SimpleQueue[dict[str, list[Source]]] = queue.SimpleQueue()
    for pages in hosts.values():
        todo.put(pages)
    results: queue.SimpleQueue[SourceCheck | BaseException] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.is_set():
                for position, (url, cited) in enumerate(todo.get_nowait().items()):
                    if stop.wait(pause if position else 0):
                        return
                    outcome, message = checker.check(url)  # sources with one address are checked by one request
                    for source in cited:
                        results.put(SourceCheck(source, url, outcome, message, datetime.now()))
        except queue.Empty:
            return
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that waits for the results
            results.put(error)

    for number in range(min(workers, len(hosts))):
        # daemons: after an interrupt, or when the time is up, nobody waits for a host that does not answer
        threading.Thread(target=work, name=f"rekall-check-{number}", daemon=True).start()
    try:
        for _ in sources:
            try:
                result = results.get(timeout=None if ends is None else max(0.0, ends - time.monotonic()))
            except queue.Empty:
                return
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        stop.set()
