"""Who may do what, and what harm cannot be done: each row against a real server process."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from server_support.mcp_http import Caller, new_token, text_of
from server_support.server import RunningServer, running

MAX_RESULTS = 5
MAX_QUERY = 500
HOSTILE = (
    "../../etc/passwd",
    "/etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "rekall://entry/..%2f",
    "..\\..\\windows\\win.ini",
    "file:///etc/passwd",
    "' or '1'='1",
    "x'; drop table entries; --",
    "1 union select name from sqlite_master",
    "%' escape '\\",
    '"unbalanced',
    "near(a b, 5)",
    "title:pool OR content:*",
    "^pool* -proxy (",
    "and or not",
    "{title content}: pool",
    "\x00\x1b[31m\u202e\ud7ff",
    "-" * 300,
    "*",
    "%",
    "",
)
"""What opens files, tables and columns elsewhere; SQL in small letters, so that any other in an answer is ours."""
WRITING: dict[str, dict[str, Any]] = {
    "rekall_add": {"type": "bug", "title": "written"},
    "rekall_link": {"source_id": "ID", "target_id": "ID", "reason": "because"},
    "rekall_unlink": {"source_id": "ID", "target_id": "ID"},
    "rekall_generalize": {"entry_ids": ["ID"]},
    "rekall_deprecate": {"id": "ID"},
    "rekall_delete": {"id": "ID", "confirm": True},
    "rekall_sources_verify": {},
}


class Team(NamedTuple):
    """A server with two tokens, and what it must keep."""

    server: RunningServer
    writer: str
    reader: str
    entry_id: str

    def call(self, token: str | None = None) -> Caller:
        """Somebody with a token, the writer's if left out."""
        return Caller(self.server.port, self.writer if token is None else token)

    @property
    def database(self) -> Path:
        """The file that is served."""
        return next(self.server.home.rglob("knowledge.db"))

    def rows(self, sql: str) -> list[Any]:
        """What the file holds."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A server that several tests use and none harms."""
    home = tmp_path_factory.mktemp("team")
    writer, reader = new_token(home, "anna"), new_token(home, "bot", "--read-only")
    options = ("--max-results", str(MAX_RESULTS), "--max-query", str(MAX_QUERY))
    with running(home, *options) as server:
        caller = Caller(server.port, writer)
        entry_id = caller.add("The connection pool is exhausted", content="about the pool", project="shop")
        for number in range(2 * MAX_RESULTS):
            caller.add(f"deadlock number {number}", tags=["db"])
        yield Team(server, writer, reader, entry_id)
        assert server.process.poll() is None


def searching(caller: Caller) -> dict[str, Any]:
    """A search that finds the first entry."""
    result = caller.tool("rekall_search", query="pool exhausted")
    assert not result.get("isError"), result
    return dict(result["structuredContent"])


def wait_for_counts(team: Team) -> None:
    """Wait until the accesses so far are counted, which is done in their order after the answers were given."""
    mark = team.call().add("a mark")
    team.call().tool("rekall_show", id=mark)
    deadline = time.monotonic() + 20
    while team.rows(f"SELECT access_count FROM entries WHERE id = '{mark}'") == [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_no_token(team: Team) -> None:
    """Nobody gets in without one: not to the tools, not to the figures."""
    stranger = Caller(team.server.port)
    for method, path in (("POST", "/mcp"), ("DELETE", "/mcp"), ("GET", "/metrics")):
        answer = stranger.ask(method, path, b"{}" if method == "POST" else None)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert stranger.rpc("initialize", {}).status == 401
    assert stranger.rpc("tools/list", {}).status == 401


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer  ", "Basic ", "Token ", ""])
def test_a_wrong_token(team: Team, scheme: str) -> None:
    """Nor with another one, a part of the right one, or the right one sent in another way."""
    wrong = ["rks_" + "x" * 43, team.writer[:-1], team.writer + "x", team.writer.upper(), "", "\u00e9", "x" * 5000]
    if scheme not in ("Bearer ", "bearer  "):
        wrong.append(team.writer)
    for token in wrong:
        value = (scheme + token).encode().decode("latin-1")
        answer = Caller(team.server.port).rpc("tools/list", {}, {"Authorization": value})
        assert answer.status == 401, value
        assert token.encode() not in answer.body or not token


def test_the_right_token(team: Team) -> None:
    """Both tokens search, and the figures are given to both."""
    for token in (team.writer, team.reader):
        assert searching(team.call(token))["results"][0]["id"] == team.entry_id
        assert b"rekall_tool_calls_total" in team.call(token).ask("GET", "/metrics").body


def test_a_read_only_token_writes_nothing(team: Team) -> None:
    """Every tool that writes refuses it; not even its searches are counted."""
    bot = team.call(team.reader)
    tools = {tool["name"]: tool for tool in bot.rpc("tools/list", {}).json["result"]["tools"]}
    assert {name for name, tool in tools.items() if not tool["annotations"]["readOnlyHint"]} == set(WRITING)
    entries, links = "SELECT * FROM entries WHERE title <> 'a mark' ORDER BY id", "SELECT * FROM links"
    wait_for_counts(team)
    before = team.rows(entries), team.rows(links)
    for name, arguments in WRITING.items():
        given = {key: json.loads(json.dumps(value).replace("ID", team.entry_id)) for key, value in arguments.items()}
        result = bot.tool(name, **given)
        assert result["isError"], name
        assert "read" in text_of(result)
    for _ in range(3):
        searching(bot)
        bot.tool("rekall_show", id=team.entry_id)
    wait_for_counts(team)
    assert (team.rows(entries), team.rows(links)) == before


@pytest.mark.parametrize("path", ["/mcp", "/health", "/ready", "/metrics", "/none"])
def test_a_foreign_host_or_origin(team: Team, path: str) -> None:
    """A page of another site, or a name that was made to point here, is turned away, with the right token, too."""
    method = "POST" if path == "/mcp" else "GET"
    for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "169.254.169.254"):
        assert team.call().ask(method, path, headers={"Host": host}).status == 421, host
    for origin in ("http://evil.example", "https://127.0.0.1.evil.example", "null", "file://"):
        assert team.call().ask(method, path, headers={"Origin": origin}).status == 403, origin
    own = {"Host": f"localhost:{team.server.port}", "Origin": f"http://localhost:{team.server.port}"}
    assert team.call().ask(method, path, headers=own).status not in (403, 421)


def test_a_body_of_five_megabytes(team: Team) -> None:
    """It is refused, sent whole or in parts; the server goes on."""
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "y" * 5 * 1024**2}}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    assert team.call().ask("POST", "/mcp", text, headers).status == 413
    parts = (text[start : start + 65536] for start in range(0, len(text), 65536))
    assert team.call().ask("POST", "/mcp", parts, headers).status == 413
    searching(team.call())


@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28", None])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_json_ten_thousand_deep(team: Team, opened: str, closed: str, version: str | None) -> None:
    """It is refused as the caller's mistake, as the whole body and as an argument, in each version of the protocol."""
    deep = opened * 10_000 + "1" + closed * 10_000
    call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rekall_search","arguments":{"query":%s}}}'
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if version is not None:
        headers["MCP-Protocol-Version"] = version
    for body in (deep, call % deep):
        assert team.call().ask("POST", "/mcp", body.encode(), headers).status == 400
    searching(team.call())


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b"\xff\xfe{", b"1", b"null", b'"x"', b"[]", b"{}", b"[{},{}]"]
)
def test_what_is_no_request(team: Team, body: bytes) -> None:
    """It is refused as the caller's mistake."""
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    assert team.call().ask("POST", "/mcp", body, headers).status == 400


def attack(team: Team, caller: Caller) -> None:
    """Give every tool every hostile text wherever it takes a text, and ask for it as a resource."""
    tools = caller.rpc("tools/list", {}).json["result"]["tools"]
    assert len(tools) > 15
    for tool in tools:
        if tool["name"] == "rekall_sources_verify":  # it has no text, and asks the web
            continue
        for text in HOSTILE:
            for number in (1, -1, 10**30):
                arguments = {
                    name: _hostile(schema, text, number) for name, schema in tool["inputSchema"]["properties"].items()
                }
                result = caller.tool(tool["name"], **arguments)
                assert "internal error" not in text_of(result), (tool["name"], text, result)
    for text in HOSTILE:
        for uri in (f"rekall://entry/{text}", f"rekall://project/{text}", text):
            assert caller.rpc("resources/read", {"uri": uri}).status in (200, 400), uri
        assert caller.rpc(text, {}).status in (200, 400, 404), text
        assert caller.rpc("tools/call", {"name": text, "arguments": {}}).status in (200, 400), text
        assert caller.rpc("prompts/get", {"name": text}).status in (200, 400), text


def _hostile(schema: dict[str, Any], text: str, number: int) -> Any:
    kinds = schema.get("type") or [branch.get("type") for branch in schema["anyOf"]]
    if "integer" in kinds:
        return number
    if "boolean" in kinds:
        return True
    return [text] if "array" in kinds else text


def test_paths_sql_and_search_syntax_as_texts(team: Team) -> None:
    """As ids, queries, projects, tags and types they are texts: no error of the server, and nothing changes by them."""
    counted = "SELECT COUNT(*) FROM entries WHERE title LIKE 'deadlock number%' OR title LIKE 'The connection%'"
    tables = "SELECT name, sql FROM sqlite_master ORDER BY name"
    before = team.rows(counted), team.rows(tables)
    attack(team, team.call(team.reader))
    attack(team, team.call())
    assert (team.rows(counted), team.rows(tables)) == before
    assert team.rows("PRAGMA integrity_check") == [("ok",)]
    assert searching(team.call())["results"][0]["id"] == team.entry_id


@pytest.mark.parametrize("text", [text for text in HOSTILE if text and "\x00" not in text])
def test_a_hostile_text_is_kept_as_it_is(team: Team, text: str) -> None:
    """As a title, a content, a tag and a project it is stored and given back, whatever it would be elsewhere."""
    entry_id = team.call().add(f"x{text}x", content=text, tags=["db"], project=text[:100])
    shown = team.call().tool("rekall_show", id=entry_id)["structuredContent"]["entry"]
    assert shown["title"] == f"x{text}x"
    assert (shown["content"], shown["project"]) == (text, text[:100])
    found = team.call().tool("rekall_search", query=text)
    assert "internal error" not in text_of(found)


@pytest.mark.parametrize("limit", [10**9, MAX_RESULTS + 1, -1])
def test_more_results_than_are_given(team: Team, limit: int) -> None:
    """A limit beyond the server's gives as many as the server gives."""
    result = team.call().tool("rekall_search", query="deadlock", limit=limit)
    assert len(result["structuredContent"]["results"]) <= MAX_RESULTS
    if limit > 0:
        assert len(result["structuredContent"]["results"]) == MAX_RESULTS


def test_a_query_beyond_the_limit(team: Team) -> None:
    """It is refused with the limit in the answer; one as long as the limit is not."""
    assert not team.call().tool("rekall_search", query="x" * MAX_QUERY).get("isError")
    result = team.call().tool("rekall_search", query="x" * (MAX_QUERY + 1))
    assert result["isError"]
    assert str(MAX_QUERY) in text_of(result)


def test_nothing_leaks(tmp_path: Path) -> None:
    """After all of it, no answer and no line of the log holds a token, a path of the server or its SQL."""
    writer, reader = new_token(tmp_path, "anna"), new_token(tmp_path, "bot", "--read-only")
    wrong = "rks_" + "w" * 43
    with running(tmp_path, "--log-level", "debug", "--debug", "--max-query", "100000") as server:
        team = Team(server, writer, reader, Caller(server.port, writer).add("The connection pool is exhausted"))
        callers = [team.call(), team.call(reader), team.call(wrong), Caller(server.port)]
        attack(team, callers[0])
        attack(team, callers[1])
        for caller in callers:
            for path in (f"/none/{writer}?token={writer}", "/mcp?q=1", "/ready", "/health", "/metrics", "/../../etc"):
                caller.ask("GET", path)
            caller.ask("POST", "/mcp", b"x" * 5 * 1024**2)
            caller.ask("POST", "/mcp", b"[" * 10_000)
            caller.ask("GET", "/mcp", headers={"Host": f"{writer}.example", "Origin": f"http://{reader}"})
            caller.rpc(
                "tools/call", {"name": "rekall_show", "arguments": {"id": team.entry_id}}, {"X-Request-ID": writer}
            )
        # its own failures are told of no more openly
        team.database.unlink()
        for caller in callers:
            caller.rpc("tools/call", {"name": "rekall_search", "arguments": {"query": "pool"}})
            caller.ask("GET", "/ready")
        server.stop()
    said = b"\n".join(answer.body + repr(answer.headers).encode() for one in callers for answer in one.answers).decode()
    log = "".join(server.log)
    assert len(said) > 100_000
    assert log.count("\n") > 500
    assert f'"{callers[0].answers[0].headers["x-request-id"]}"' in log
    places = (str(tmp_path), sys.prefix, "site-packages", str(Path(__file__).parents[1]), "root:x:0")
    for name, text in (("answer", said), ("log", log)):
        for secret in (writer, reader, wrong, writer[4:], *places):
            assert secret not in text, (name, _around(text, secret))
        for pattern in (
            r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|PRAGMA|MATCH)\b",
            r"Traceback",
            r"\.py\", line",
        ):
            found = re.search(pattern, text)
            assert found is None, (name, _around(text, found[0]))


def _around(text: str, part: str) -> str:
    at = text.index(part)
    return text[max(at - 300, 0) : at + 300]
