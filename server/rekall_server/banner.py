"""What a person reads when the server starts: where it listens, what it serves, and the lines for an MCP client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rekall_server.binding import needs_token
from rekall_server.home import apply

if TYPE_CHECKING:
    from rekall_server.settings import Loaded, Settings

_EVERY_ADDRESS = ("0.0.0.0", "[::]")  # noqa: S104  # compared with, not bound


def banner(loaded: Loaded, port: int) -> str:
    """The lines.

    Args:
        loaded: the settings in effect.
        port: what is listened on.
    """
    settings = loaded.settings
    config = apply(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{port}/mcp"
    server: dict[str, object] = {"type": "http", "url": f"http://{_called(settings, host)}:{port}/mcp"}
    tokens = needs_token(settings)
    if tokens:
        server["headers"] = {"Authorization": "Bearer <token>"}
    client = json.dumps({"mcpServers": {"rekall": server}}, indent=2)
    processes = f"{settings.workers} processes" if settings.workers > 1 else "one process"
    return "\n".join(
        [
            f"rekall-server listens on {url} ({processes})",
            f"  database  {config.db_path} ({config.database_backend})",
            f"  cache     {config.cache_backend}",
            f"  access    {'with a token' if tokens else 'without a token, from this machine only'}",
            "",
            "Paste into the configuration of an MCP client:",
            client,
            "",
            "Stop with Ctrl-C or SIGTERM.",
        ]
    )


def _called(settings: Settings, host: str) -> str:
    """What a client calls the server by."""
    if host not in _EVERY_ADDRESS:
        return host
    names = [name.partition(":")[0] for name in settings.allowed_hosts if name[0] not in "*["]
    return next(iter(names), "<address of this machine>")
