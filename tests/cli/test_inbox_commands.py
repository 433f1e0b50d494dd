"""`sources inbox`: addresses as they were captured."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.command_line import CommandLine, run_in_terminal

from rekall.config import get_config
from rekall.db import Database
from rekall.inbox import why_not_public


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine()


def answer(cli: CommandLine, *args: str) -> Any:
    return json.loads(cli.ok("sources", "inbox", *args))


def test_an_address_is_added_with_where_it_comes_from(cli: CommandLine) -> None:
    """In the keys of 0.3; --quiet says nothing."""
    added = answer(cli, "add", "https://docs.python.org/3/", "-c", "cursor", "-p", "shop", "--conversation", "C1")
    assert added == {
        "status": "success",
        "id": added["id"],
        "url": "https://docs.python.org/3/",
        "domain": "docs.python.org",
        "is_valid": True,
        "validation_error": None,
    }
    with Database(get_config().db_path) as db:
        (entry,) = db.get_inbox_entries()
    assert (entry.cli_source, entry.project, entry.conversation_id) == ("cursor", "shop", "C1")
    assert entry.import_source == "realtime"
    assert cli.ok("sources", "inbox", "add", "https://example.com", "--quiet") == ""
    assert answer(cli, "stats")["total"] == 2


@pytest.mark.fault(51)
@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://127.0.0.1:8000/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://172.20.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://printer.local./",
        "http://db.internal/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "no address",
        "https://intranet/",
        "http://[broken/",
    ],
)
def test_what_is_no_public_page_is_kept_in_quarantine(url: str, cli: CommandLine) -> None:
    """With the reason; 0.3 missed most private ranges."""
    added = answer(cli, "add", url)
    assert added["is_valid"] is False
    assert added["validation_error"]
    (listed,) = answer(cli, "list", "--quarantine")["entries"]
    assert (listed["url"], listed["validation_error"]) == (url, added["validation_error"])


@pytest.mark.fault(51)
@pytest.mark.parametrize(
    "url",
    [
        "https://v10.example.com/",
        "https://10.example.com/",
        "http://8.8.8.8/",
        "https://example.com:8443/a?b=10.0.0.1",
        "https://[2606:4700::1111]/",
        "https://localhost.example.com/",
    ],
)
def test_public_pages_are_not(url: str) -> None:
    """0.3 took any host with 10. in it for private."""
    assert why_not_public(url) is None


def test_list_and_stats(cli: CommandLine) -> None:
    """Newest first; how many there are, and how many are shown."""
    for number in range(3):
        answer(cli, "add", f"https://example.com/{number}")
    answer(cli, "add", "http://localhost/", "-c", "cursor")
    listed = answer(cli, "list", "-l", "2")
    assert (listed["count"], listed["showing"]) == (4, 2)
    first = listed["entries"][0]
    assert set(first) == {
        *("id", "url", "domain", "cli_source", "project", "captured_at", "enriched", "validation_error")
    }
    assert first["url"] == "http://localhost/"
    assert answer(cli, "stats") == {
        "total": 4,
        "pending_enrichment": 3,
        "enriched": 0,
        "quarantined": 1,
        "by_cli_source": [{"cli": "claude", "count": 3}, {"cli": "cursor", "count": 1}],
        "top_domains": [{"domain": "example.com", "count": 3}, {"domain": "localhost", "count": 1}],
    }


def test_clear_needs_a_target_and_a_yes(cli: CommandLine) -> None:
    """Exit status 2 as in 0.3, with the number that would go; --force does it."""
    answer(cli, "add", "https://example.com/")
    answer(cli, "add", "http://localhost/")
    for options, code in ((["--force"], "no_target"), (["--all"], "confirmation_required")):
        result = cli("sources", "inbox", "clear", *options)
        assert result.exit_code == 2
        document = json.loads(result.stdout)
        assert (document["status"], document["code"]) == ("error", code)
    assert (document["count"], document["target"]) == (2, "all")
    assert answer(cli, "clear", "-q", "-f") == {"status": "success", "deleted": 1, "target": "quarantine"}
    assert answer(cli, "clear", "-e", "-f")["deleted"] == 0
    assert answer(cli, "clear", "-a", "-f")["deleted"] == 1


def test_clear_asks_in_a_terminal(cli: CommandLine) -> None:
    """No keeps everything."""
    answer(cli, "add", "https://example.com/")
    status, shown = run_in_terminal(["sources", "inbox", "clear", "--all"], [("Remove 1 address", "n\n")])
    assert status == 1
    assert "nothing was removed" in shown
    status, shown = run_in_terminal(["sources", "inbox", "clear", "--all"], [("Remove 1 address", "y\n")])
    assert status == 0
    assert "Removed 1 address." in shown
    assert answer(cli, "stats")["total"] == 0
