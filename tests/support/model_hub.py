"""A server that answers the little of the Hugging Face Hub's API that fetching a model needs."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

REVISION = "5f1b0d7c6a1e4f9c8b2a3d4e5f60718293a4b5c6"


@dataclass
class ModelHub:
    """A running server.

    Args:
        name: the only model that it has, with its publisher.
        folder: its files.
        port: of 127.0.0.1.
        asked: methods and paths of all requests, in their order.
        cut: the name of a file of which only half arrives.
    """

    name: str
    folder: Path
    port: int = 0
    asked: list[str] = field(default_factory=list)
    cut: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which a process asks this server, and keeps what it fetches in the home of the test."""
        proxies = dict.fromkeys(
            ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), ""
        )
        kept = {
            "HF_HOME": str(Path.home() / "hub"),
            "HF_HUB_CACHE": str(Path.home() / "hub" / "hub"),
            "HF_TOKEN": "",
            "NO_PROXY": "127.0.0.1",
        }
        return {"HF_ENDPOINT": f"http://127.0.0.1:{self.port}", **kept, **proxies}

    def fetched(self) -> set[str]:
        """The files of which the content was asked for."""
        start = f"GET /{self.name}/resolve/{REVISION}/"
        return {one.removeprefix(start) for one in self.asked if one.startswith(start)}

    def files(self) -> dict[str, Path]:
        """All files by their names."""
        found = (file for file in sorted(self.folder.rglob("*")) if file.is_file())
        return {file.relative_to(self.folder).as_posix(): file for file in found}


@contextmanager
def serving(name: str, folder: Path) -> Iterator[ModelHub]:
    """Serve one model until the block ends."""
    hub = ModelHub(name, folder)

    class Handler(_Handler):
        model_hub = hub

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model_hub: ModelHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.model_hub, unquote(urlsplit(self.path).path)
        hub.asked.append(f"{self.command} {path}")
        start, file = f"/{hub.name}/resolve/{REVISION}/", path.rpartition(f"{REVISION}/")[2]
        if path == f"/api/models/{hub.name}/revision/main" or path == f"/api/models/{hub.name}":
            listed = [{"rfilename": name} for name in hub.files()]
            self._json({"_id": "1", "id": hub.name, "modelId": hub.name, "sha": REVISION, "siblings": listed})
        elif path == f"/api/models/{hub.name}/tree/{REVISION}":
            self._json([_described(name, one) for name, one in hub.files().items()])
        elif path.startswith(start) and file in hub.files():
            self._file(hub.files()[file], cut=file == hub.cut)
        else:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository Not Found"})

    def _file(self, file: Path, *, cut: bool) -> None:
        content = file.read_bytes()
        headers = {"ETag": f'"{_described(file.name, file)["oid"]}"', "X-Repo-Commit": REVISION}
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and self.command == "GET":
            first = int(wanted[1])
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            self._send(206, content[first:], headers, cut=cut)
        else:
            self._send(200, content, headers, cut=cut)

    def _json(self, answer: object) -> None:
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut and self.command == "GET":
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name that the base class gives it
        pass


def _described(name: str, file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    # the sum of git's objects, which is what the hub names small files by
    named = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return {"type": "file", "path": name, "size": len(content), "oid": named}
