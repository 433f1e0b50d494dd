"""What a supervisor, a load balancer and Prometheus ask: `/health`, `/ready` and `/metrics`.

Anybody who reaches the server is told whether it lives and whether it is ready. Why it is not, and the figures, are
for who has a token; where no tokens exist, for who is on this machine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any, Protocol

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rekall.infra.interfaces import CacheBackend, DatabaseBackend
from rekall_server.backend_checks import BackendCheck, Finding
from rekall_server.metrics import CONTENT_TYPE, Metrics

_TOKEN_NEEDED = {"WWW-Authenticate": "Bearer"}


class Verifier(Protocol):
    """Knows tokens."""

    async def verify_token(self, token: str) -> Any:
        """What the token stands for; None: nothing."""


class ServingState(Protocol):
    """What the probes look at."""

    @property
    def metrics(self) -> Metrics:
        """The figures."""

    @property
    def verifier(self) -> Verifier | None:
        """Knows the tokens; None where no tokens exist."""

    @property
    def bypasses_cache(self) -> bool:
        """Whether calls are answered without the cache while it fails."""

    @property
    def database_name(self) -> str:
        """The name by which the database back end was selected."""

    @property
    def cache_name(self) -> str:
        """The name by which the cache back end was selected."""

    def database(self) -> DatabaseBackend:
        """The database back end in use; opened if it is not.

        Raises:
            RekallError: it cannot be.
        """

    def cache(self) -> CacheBackend:
        """The cache back end in use.

        Raises:
            RekallError: it cannot be made.
        """


def routes(state: ServingState) -> list[Route]:
    """The routes of the three probes.

    Args:
        state: what they look at.
    """
    probes = _Probes(state)
    return [
        Route("/health", probes.health, methods=["GET"]),
        Route("/ready", probes.ready, methods=["GET"]),
        Route("/metrics", probes.metrics, methods=["GET"]),
    ]


class _Probes:
    def __init__(self, state: ServingState) -> None:
        self._state = state
        self._database = BackendCheck(lambda: _ask_database(state.database()))
        self._cache = BackendCheck(lambda: _ask_cache(state.cache()))

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        state = self._state
        found: dict[str, Finding] = {}

        async def look(kind: str, check: Callable[[], Awaitable[Finding]]) -> None:
            found[kind] = await check()

        async with anyio.create_task_group() as both:
            both.start_soon(look, "database", self._database.finding)
            both.start_soon(look, "cache", self._cache.finding)
        database, cache = found["database"], found["cache"]
        is_bypassed = not cache.ok and state.bypasses_cache
        is_ready = database.ok and (cache.ok or is_bypassed)
        answer: dict[str, Any] = {"status": "ready" if is_ready else "not ready"}
        if await self._is_trusted(request):
            answer["database"] = {"backend": state.database_name, "ok": database.ok, "text": database.text}
            answer["cache"] = {"backend": state.cache_name, "ok": cache.ok, "text": cache.text, "bypassed": is_bypassed}
        return JSONResponse(answer, 200 if is_ready else 503, {} if is_ready else {"Retry-After": "1"})

    async def metrics(self, request: Request) -> Response:
        if not await self._is_trusted(request):
            if self._state.verifier is None:
                return JSONResponse({"error": "without tokens the figures are given on this machine only"}, 403)
            return JSONResponse({"error": "the figures need a token"}, 401, _TOKEN_NEEDED)
        figures = await anyio.to_thread.run_sync(self._state.metrics.exposition)
        return Response(figures, media_type=None, headers={"Content-Type": CONTENT_TYPE})

    async def _is_trusted(self, request: Request) -> bool:
        verifier = self._state.verifier
        if verifier is None:
            return request.client is not None and _is_loopback(request.client.host)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and await verifier.verify_token(token.strip()) is not None


def _ask_database(backend: Any) -> None:
    # the back end itself: a probe is neither retried nor counted
    backend = getattr(backend, "wrapped", backend)
    backend.fetch_one("SELECT 1")
    _check(backend)


def _ask_cache(backend: Any) -> None:
    _check(getattr(backend, "wrapped", backend))


def _check(backend: Any) -> None:
    check = getattr(backend, "check", None)
    if check is not None:
        check()


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)
