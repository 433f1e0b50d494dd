"""What a person is told when the server starts, beyond the plain case (`test_serving`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rekall_server.banner import banner
from rekall_server.settings import load
from rekall_server.tokens import TokenFile


@pytest.mark.parametrize(
    ("flags", "url"),
    [
        ({"host": "::1"}, "http://[::1]:8765/mcp"),
        ({"host": "::"}, "http://<address of this machine>:8765/mcp"),
        ({"host": "::", "allowed_hosts": ["*.local", "rekall.example.org"]}, "http://rekall.example.org:8765/mcp"),
    ],
)
def test_what_a_client_calls_it_by(tmp_path: Path, flags: dict[str, Any], url: str) -> None:
    """The lines to paste name an address that a client can use, and the token that it needs."""
    tokens = TokenFile(tmp_path / "tokens.toml")
    tokens.new("anna", read_only=False)
    said = banner(load({**flags, "token_file": tokens.path}, None), 8765)
    pasted = json.loads(said[said.index("{") : said.rindex("}") + 1])["mcpServers"]["rekall"]
    assert pasted == {"type": "http", "url": url, "headers": {"Authorization": "Bearer <token>"}}
    assert "with a token" in said
