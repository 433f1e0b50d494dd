"""`rekall stale`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.command_line import CommandLine, run_in_terminal

from rekall.db import Database


@pytest.fixture
def unused(cli: CommandLine, home: Path) -> dict[int, str]:
    """Entries by the days that nobody has looked at them, the longest time first."""
    ids = {days: cli.add(f"Unused [bold] {days}") for days in (10, 45, 100)}
    with Database(home / "knowledge.db") as db:
        for days, entry_id in ids.items():
            moment = datetime.now() - timedelta(days=days, hours=1)
            db.entries.change(entry_id, {"last_accessed": moment.isoformat()})
    return dict(sorted(ids.items(), reverse=True))


def test_nothing_stale(cli: CommandLine) -> None:
    """One line and success, on an empty base as on a fresh one."""
    assert cli.ok("stale") == "No entry has gone without an access for 30 days.\n"
    cli.add("New")
    assert cli.ok("stale", "-d", "7") == "No entry has gone without an access for 7 days.\n"
    assert cli.json("stale") == {"days": 30, "results": [], "total_count": 0}


def test_piped(cli: CommandLine, unused: dict[int, str]) -> None:
    """The longest unused first, with full ids and the days; listing them is no access."""
    rows = [f"{unused[days]}\t{days}\tbug\tUnused [bold] {days}" for days in (100, 45)]
    assert cli.ok("stale").splitlines() == rows
    assert cli.ok("stale").splitlines() == rows
    assert cli.ok("stale", "--days", "9", "--limit", "1").splitlines() == rows[:1]
    assert len(cli.ok("stale", "--days", "9", "-l", "-1").splitlines()) == 3
    assert cli.ok("stale", "-l", "0") == "Nothing to list: --limit is 0.\n"


def test_json(cli: CommandLine, unused: dict[int, str]) -> None:
    """Each entry whole, with its days."""
    found = cli.json("stale", "--days", "5")
    assert [(one["id"], one["days_since_access"]) for one in found["results"]] == [
        (entry_id, days) for days, entry_id in unused.items()
    ]
    assert found["results"][0]["title"] == "Unused [bold] 100"


def test_an_entry_without_an_access(cli: CommandLine, home: Path, unused: dict[int, str]) -> None:
    """One that 0.3 stored without any time of access comes first, and says so."""
    with Database(home / "knowledge.db") as db:
        db.entries.change(unused[10], {"last_accessed": None})
    assert cli.ok("stale").splitlines()[0] == f"{unused[10]}\tnever\tbug\tUnused [bold] 10"
    assert cli.json("stale")["results"][0]["days_since_access"] is None


@pytest.mark.fault(38)
def test_in_a_terminal(cli: CommandLine, unused: dict[int, str]) -> None:
    """A table within 80 columns, titles as they are stored, what the days mean beside them."""
    status, text = run_in_terminal(["stale", "-d", "5"])
    assert status == 0
    assert max(map(len, text.splitlines())) <= 80
    assert "Unused [bold] 100" in text
    rows = [line.split() for line in text.splitlines() if "Unused" in line]
    assert [row[4:] for row in rows] == [["100", "over", "60", "days"], ["45", "over", "30", "days"], ["10"]]
    assert "3 entries; 'rekall show ID' shows one" in text


def test_wrong_usage(cli: CommandLine) -> None:
    """A number of days that is none."""
    assert "--days" in cli.fails("stale", "--days", "many", status=2)
