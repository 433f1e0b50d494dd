"""The log: whoever logs, one line of one form comes out, and nothing in it that has to stay on this machine."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from server_support.server import environment

from rekall_server.hide import Hiding

TOKEN = "rks_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"  # noqa: S105  # made for the tests


def logged(home: Path, code: str, form: str = "json", level: str = "info", *, debug: bool = False) -> list[str]:
    """The lines that a process logs which configures the log and then runs some code."""
    script = home / "script.py"
    script.write_text(
        "import logging, os, sys, threading, warnings\n"
        "from pathlib import Path\n"
        "from types import SimpleNamespace\n"
        "import structlog\n"
        "from rekall_server import logs\n"
        "early = structlog.get_logger('early')\n"
        f"settings = SimpleNamespace(log_level={level!r}, log_format={form!r}, debug={debug})\n"
        f"logs.configure(settings, paths=[Path({str(home / 'a base' / 'knowledge.db')!r})])\n{code}\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr.splitlines()


def events(home: Path, code: str, level: str = "info", *, debug: bool = False) -> list[dict[str, Any]]:
    """The same, each line read as JSON."""
    return [json.loads(line) for line in logged(home, code, level=level, debug=debug)]


def test_all_loggers_go_the_same_way(tmp_path: Path) -> None:
    """structlog, those of packages, of FastMCP imported later, warnings and threads: one JSON object a line."""
    code = """
from rekall_server.exchange import begin
early.info("early.bird", number=1)
begin("r-1")
structlog.get_logger().warning("ours", number=2)
logging.getLogger("uvicorn.error").info("Started %s", "server")
logging.getLogger("rekall.mcp").warning("several\\nlines")
logging.getLogger("somebody.else").error("theirs")
import fastmcp
from fastmcp.utilities.logging import get_logger
get_logger("server").warning("fastmcp's")
warnings.warn("old", DeprecationWarning)
threading.Thread(target=lambda: 1 / 0, name="worker-7").start()
"""
    told = events(tmp_path, code)
    assert [event["event"] for event in told][:6] == [
        "early.bird",
        "ours",
        "Started server",
        "several\nlines",
        "theirs",
        "fastmcp's",
    ]
    assert "request_id" not in told[0]
    assert {event["request_id"] for event in told[1:6]} == {"r-1"}
    assert [event["level"] for event in told[:6]] == ["info", "warning", "info", "warning", "error", "warning"]
    assert told[2]["logger"] == "uvicorn.error"
    assert len({event["pid"] for event in told}) == 1
    for event in told:
        assert datetime.datetime.fromisoformat(event["timestamp"]).utcoffset() is not None
    failed = told[-1]
    assert (failed["event"], failed["thread"], failed["error"]) == ("thread.failed", "worker-7", "ZeroDivisionError")


def test_an_exception_is_one_line(tmp_path: Path) -> None:
    """Its class and place, without its text and without a traceback; of a group, the first that is in it."""
    code = """
def fails():
    raise ValueError("what a user has written")
try:
    fails()
except ValueError as error:
    logging.getLogger("fastmcp.server").exception("Error calling tool %r", "rekall_search")
    structlog.get_logger().error("one.more", exc_info=True)
    kind = type("Group", (Exception,), {"exceptions": (error,)})
    structlog.get_logger().error("a.group", exc_info=kind("group"))
"""
    told = events(tmp_path, code)
    assert [event["event"] for event in told] == ["Error calling tool 'rekall_search'", "one.more", "a.group"]
    for event in told:
        assert event["error"] == "ValueError"
        assert event["place"].startswith("fails (script.py:")
        assert "written" not in json.dumps(event)
        assert "Traceback" not in json.dumps(event)


def test_a_traceback_that_is_the_text_of_a_line_is_one_line(tmp_path: Path) -> None:
    """Of an exception that somebody else has made text of comes what it ends with."""
    code = """
import traceback
for error in (LookupError("not there: /srv/data/base.db"), ExceptionGroup("all", [LookupError("in a group")])):
    try:
        try:
            1 / 0
        except ZeroDivisionError as cause:
            raise error from cause
    except Exception:
        logging.getLogger("uvicorn.error").error(traceback.format_exc())
"""
    group = "from exceptiongroup import ExceptionGroup" if sys.version_info < (3, 11) else ""
    told = [event["event"] for event in events(tmp_path, group + code)]
    assert told == ["LookupError: not there: base.db", "LookupError: in a group"]


def test_debug_tells_the_calls(tmp_path: Path) -> None:
    """With debug on, the calls that led to an error follow, of the errors behind it as well."""
    code = """
def inner():
    raise KeyError("secret")
def outer():
    try:
        inner()
    except KeyError as error:
        raise ValueError("secret") from error
try:
    outer()
except ValueError as error:
    structlog.get_logger().error("failed", exc_info=error)
"""
    (event,) = events(tmp_path, code, debug=True)
    for part in ("outer (script.py:", "inner (script.py:", "KeyError", "ValueError"):
        assert part in event["trace"]
    assert "secret" not in json.dumps(event)


def test_nothing_secret_in_any_line(tmp_path: Path) -> None:
    """Whatever is logged, in whatever field: no token, no password, no SQL, no directory."""
    base = tmp_path / "a base" / "knowledge.db"
    code = f"""
log = structlog.get_logger()
log.info("text {TOKEN}", path="/none/{TOKEN}", other={{"authorization": "Bearer {TOKEN}"}})
log.info("header", value="Authorization: Bearer abcdefghijk", pair=(b"authorization", b"Bearer abcdefghijk"))
logging.getLogger("redis").warning("redis://anna:pass-word@127.0.0.1:6379/0 is gone")
logging.getLogger("rekall").warning("cannot open %s: no such file", {str(base)!r})
logging.getLogger("rekall").warning("wrong: SELECT title FROM entries WHERE id = 'x'")
log.info("files", where=Path({str(base)!r}), own=os.__file__, path=Path({str(base)!r}))
"""
    lines = "\n".join(logged(tmp_path, code, form="json") + logged(tmp_path, code, form="text"))
    for secret in (
        TOKEN,
        "abcdefghijk",
        "pass-word",
        "SELECT",
        "entries",
        str(tmp_path),
        "a base",
        sys.prefix,
        "/lib/",
    ):
        assert secret not in lines
    assert lines.count("knowledge.db") == 6
    assert "127.0.0.1:6379/0 is gone" in lines


def test_text_is_one_line_an_event(tmp_path: Path) -> None:
    """What somebody sends cannot make a line of its own in the log, in neither form."""
    code = """
structlog.get_logger().info("request", path="/a\\n2026-01-01 forged", client="anna b")
logging.getLogger("fastmcp").warning("Invalid Host: %s", "x\\r\\nforged line")
"""
    for form in ("text", "json"):
        assert len(logged(tmp_path, code, form=form)) == 2
    first, _ = logged(tmp_path, code, form="text")
    assert " info " in first
    assert 'client="anna b"' in first


def test_levels(tmp_path: Path) -> None:
    """What is below the level is not logged; packages that tell of every request do so for `debug` only."""
    code = """
for name in ("rekall_server", "uvicorn.error", "mcp.server.lowlevel.server", "fastmcp.server", "asyncio"):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(name), level)(f"{name} {level}")
for level in ("debug", "info", "warning", "error"):
    getattr(structlog.get_logger(), level)(f"ours {level}")
logging.getLogger("uvicorn.access").warning("one more line for a request")
"""
    told = {level: [event["event"] for event in events(tmp_path, code, level)] for level in ("debug", "info", "error")}
    assert len(told["debug"]) == 21
    assert "fastmcp.server debug" not in told["debug"]
    assert set(told["debug"]) - set(told["info"]) >= {"ours debug", "rekall_server debug", "asyncio info"}
    assert {"ours info", "uvicorn.error info", "mcp.server.lowlevel.server warning"} <= set(told["info"])
    assert "mcp.server.lowlevel.server info" not in told["info"]
    assert len(told["error"]) == 6


def test_a_log_that_nobody_reads_fails_nothing(tmp_path: Path) -> None:
    """Whoever logs goes on when the reader of stderr has gone away."""
    reading, writing = os.pipe()
    os.close(reading)
    code = (
        "import logging, structlog, threading\n"
        "from types import SimpleNamespace\n"
        "from rekall_server import logs\n"
        "logs.configure(SimpleNamespace(log_level='info', log_format='json', debug=False))\n"
        "for _ in range(3):\n"
        "    structlog.get_logger().info('ours')\n"
        "    structlog.get_logger().error('ours')\n"
        "    logging.getLogger('uvicorn.error').info('theirs')\n"
        "print('went on')\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=writing,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.stdout == "went on\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing to hide", "nothing to hide"),
        ("/mcp answered", "/mcp answered"),
        ("http://127.0.0.1:8765/mcp/x answered", "http://127.0.0.1:8765/mcp/x answered"),
        ("5/6 of them, and/or not, text/event-stream", "5/6 of them, and/or not, text/event-stream"),
        ("cannot open /srv/team/base.db: locked", "cannot open base.db: locked"),
        ("in '/srv/the team/base.db'", "in 'base.db'"),
        ('File "/usr/lib/python3/x.py", line 3', 'File "x.py", line 3'),
        ("(/srv/team/)", "(<path>)"),
        ("uri file:/srv/team/base.db", "uri file:base.db"),
        ("uri file:///srv/team/base.db?mode=ro", "uri file://base.db?mode=ro"),
        ("unix:///run/redis/redis.sock is gone", "unix://redis.sock is gone"),
        ("path=/srv/team/base.db", "path=base.db"),
        (r"in C:\Users\anna\base.db now", "in base.db now"),
        ("near /srv/my team/base.db", "near base.db"),
        (f"Bearer {TOKEN}, or none", "Bearer ***, or none"),
        (TOKEN, "rks_***"),
        ("authorization: basic YW5uYTpzZWNyZXQ=", "authorization: basic ***"),
        ("redis://anna:p@ss:w@host:6379/1", "redis://anna:***@host:6379/1"),
        ("rediss://:secret@host", "rediss://:***@host"),
        ("password='a b' given", "password=*** given"),
        ("no such column: INSERT INTO entries VALUES (1)", "no such column: <sql>"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "<sql>"),
        ("to SELECT or to update is a word", "to <sql>"),
        ("select one, update it and delete from there", "select one, update it and delete from there"),
    ],
)
def test_what_is_hidden(text: str, shown: str) -> None:
    """What must stay is taken out; what is no secret, and URLs and words among it, remains."""
    assert Hiding([Path("/srv/my team/base.db")])(text) == shown


def test_a_text_is_not_longer_than_a_line() -> None:
    """A text that a client has made long is cut."""
    assert len(Hiding()("x" * 100_000)) < 2100


@pytest.mark.parametrize(
    "text",
    ["/" * 2000, "/a" * 1000, "'/" * 1000, "a:\\" * 600, "://" * 600, "token=" * 300, "WITH a(" * 280, "\\'" * 999],
)
@pytest.mark.timeout(20)
def test_no_text_takes_long_to_hide(text: str) -> None:
    """Texts made to keep the patterns busy do not."""
    for _ in range(20):
        Hiding()(text)
