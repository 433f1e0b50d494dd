"""The load generator of tools/bench: many clients that wait and ask again, and what it counts as an error."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bench_run
import pytest
from benchmarks.load import OLDER_PROTOCOL, PROTOCOL, SAMPLE, Clients, Load, call, initialize
from benchmarks.measure import Row

GOOD = b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":false}}'


def answer(body: bytes, status: str = "200 OK") -> bytes:
    """An HTTP answer as uvicorn writes it."""
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        status.encode(),
        len(body),
        body,
    )


@contextmanager
def answering(answers: Callable[[bytes, int], bytes | None], *, cut: int | None = None) -> Iterator[int]:
    """A server on a free port, which answers each request with what a function of it and its number gives.

    Args:
        answers: None hangs up.
        cut: bytes after which an answer is interrupted for a moment.
    """
    numbers = iter(range(10**9))

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while line := self.rfile.readline():
                head = [line]
                while head[-1] != b"\r\n":
                    head.append(self.rfile.readline())
                length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length"))
                given = answers(self.rfile.read(length), next(numbers))
                if given is None:
                    return
                for part in (given[:cut], given[cut:]) if cut else (given,):
                    self.wfile.write(part)
                    self.wfile.flush()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 100

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def loaded(port: int, requests: list[bytes], seconds: float = 0.2, clients: int = 5) -> Load:
    return Clients(port, clients).run(requests, seconds)


@pytest.mark.parametrize("cut", [None, 5, 90])
def test_every_client_asks_again_when_it_was_answered(cut: int | None) -> None:
    """In turn through all requests, each with its own time; an answer may come in parts."""
    asked: list[int] = []

    def answers(body: bytes, _number: int) -> bytes:
        asked.append(json.loads(body)["id"])
        return answer(GOOD)

    requests = [call("tool", {"a": number}, number=number) for number in range(7)]
    with answering(answers, cut=cut) as port:
        load = loaded(port, requests)
    assert load.errors == 0
    assert len(load.latencies) == len(asked) > 5
    assert set(asked) == set(range(min(7, len(asked))))
    assert 0.2 <= load.seconds < 30
    assert load.throughput == len(asked) / load.seconds
    assert len(load.sample) == min(SAMPLE, len(asked))
    assert load.sample[0] == json.loads(GOOD)


@pytest.mark.parametrize(
    "failing",
    [
        answer(b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}'),
        answer(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such tool"}}'),
        answer(GOOD, "503 Service Unavailable"),
        None,
    ],
    ids=["error of a tool", "error of the protocol", "status", "hung up"],
)
def test_what_is_no_answer_is_an_error(failing: bytes | None) -> None:
    """It is counted, has no time, and its client goes on, on a new connection where it has to."""
    with answering(lambda _body, number: failing if number % 3 == 0 else answer(GOOD)) as port:
        load = loaded(port, [call("tool", {})])
    total = load.errors + len(load.latencies)
    assert load.errors == -(-total // 3)
    assert load.latencies


def test_percentiles() -> None:
    """What that share of the calls took at most."""
    load = Load(1.0, [float(number) for number in range(100, 0, -1)], 0, [])
    assert (load.percentile(0.5), load.percentile(0.99), load.percentile(1.0)) == (51.0, 100.0, 100.0)


def test_the_newer_protocol_says_in_each_request_who_asks() -> None:
    """The older one says it once; the length is that of the body in bytes."""
    for request, protocol in ((call("tool", {"a": "ü"}), PROTOCOL), (initialize(), OLDER_PROTOCOL)):
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        assert lines[0] == "POST /mcp HTTP/1.1"
        assert int(headers["content-length"]) == len(body)
        assert headers["mcp-protocol-version"] == protocol
    newer = json.loads(call("tool", {}).partition(b"\r\n\r\n")[2])["params"]
    older = json.loads(call("tool", {}, protocol=OLDER_PROTOCOL).partition(b"\r\n\r\n")[2])["params"]
    assert newer == {**older, "_meta": newer["_meta"]}
    assert older == {"name": "tool", "arguments": {}}


def test_a_checkout_without_the_server_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line; nothing else was asked for, and nothing is measured."""
    monkeypatch.setattr(bench_run, "SERVER", tmp_path / "server")
    monkeypatch.setattr("sys.argv", ["bench", "server", "--json", str(tmp_path / "bench.json")])
    assert bench_run.main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "server/" in line
    assert not (tmp_path / "bench.json").exists()


def test_at_least_is_judged_by_the_ratio() -> None:
    """Half of what is compared with is enough, less is not."""
    assert Row("server", "w", 50, "/s", base=100, limit=0.5, at_least=True).is_over is False
    assert Row("server", "w", 49, "/s", base=100, limit=0.5, at_least=True).is_over is True
