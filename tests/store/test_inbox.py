"""The inbox: addresses as they were captured, by the rules of 0.3."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import databases, raw
from support.counting import CountingBackend
from support.zones import local_zone

from rekall.db import Database
from rekall.errors import CorruptError, IntegrityError
from rekall.infra import register_backend
from rekall.models import InboxEntry

DAY = datetime(2025, 12, 1, 10)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


@pytest.fixture
def four(db: Database) -> Database:
    """Two that wait, one enriched, one in quarantine; one a day, the letters in that order."""
    for number, (entry_id, cli, valid, enriched) in enumerate(
        [
            ("A", "claude", True, None),
            ("B", "cursor", True, DAY),
            ("C", "claude", False, None),
            ("D", "manual", True, None),
        ]
    ):
        db.add_inbox_entry(
            InboxEntry(
                entry_id,
                f"https://example.com/{entry_id}",
                "example.com",
                cli,
                captured_at=DAY + timedelta(days=number),
                is_valid=valid,
                validation_error=None if valid else "local host",
                enriched_at=enriched,
            )
        )
    return db


def ids(entries: list[InboxEntry]) -> list[str]:
    return [entry.id for entry in entries]


def test_what_0_3_wrote_is_read_whole(tmp_path: Path) -> None:
    """Every value of every row, in 0.3's order, and its counts."""
    wanted = databases.opened("v12.db")
    for name in ("v11.db", "v12.db", "v12-centrality-only.db", "v12-enrichment-only.db"):
        with Database(databases.unpack(name, tmp_path)) as db:
            rows = [dataclasses.asdict(entry) for entry in db.get_inbox_entries()]
            assert db.get_inbox_stats() == wanted["inbox_stats"]
        for row in rows:
            for column in ("captured_at", "enriched_at"):
                row[column] = row[column] and row[column].isoformat()
        assert rows == wanted["inbox"]


@settings(deadline=None, max_examples=60)
@given(
    st.builds(
        InboxEntry,
        id=st.uuids().map(str),
        url=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        domain=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        cli_source=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        project=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        captured_at=st.datetimes(),
        raw_json=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        is_valid=st.booleans(),
        enriched_at=st.none() | st.datetimes(),
    )
)
def test_any_address_survives(tmp_path_factory: pytest.TempPathFactory, entry: InboxEntry) -> None:
    """What is stored is what is read."""
    with Database(tmp_path_factory.getbasetemp() / "any-inbox.db") as db:
        db.clear_inbox(all_entries=True)
        assert db.add_inbox_entry(entry) == entry.id
        assert db.get_inbox_entries() == [entry]


def test_an_address_without_an_id_gets_one(db: Database) -> None:
    """Two captures of one address are two entries; an id that exists is refused, and the first stays."""
    first = InboxEntry("", "https://example.com/", cli_source="claude")
    assert db.add_inbox_entry(first) == first.id != ""
    again = InboxEntry("", "https://example.com/", cli_source="claude")
    assert db.add_inbox_entry(again) != first.id
    with pytest.raises(IntegrityError):
        db.add_inbox_entry(InboxEntry(first.id, "https://example.org/", cli_source="claude"))
    assert {entry.url for entry in db.get_inbox_entries()} == {"https://example.com/"}


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, "DCBA"),
        ({"cli_source": "claude"}, "CA"),
        ({"cli_source": ""}, "DCBA"),
        ({"is_valid": True}, "DBA"),
        ({"is_valid": False}, "C"),
        ({"quarantine_only": True, "is_valid": True}, "C"),
        ({"valid_only": True, "quarantine_only": True, "is_valid": False}, "DBA"),
        ({"valid_only": True, "cli_source": "claude"}, "A"),
        ({"limit": 2}, "DC"),
        ({"limit": 2, "offset": 1}, "CB"),
        ({"limit": 0}, ""),
        ({"limit": -1}, "DCBA"),
    ],
)
def test_which_addresses_are_listed(four: Database, filters: dict[str, object], wanted: str) -> None:
    """Newest first; valid_only beats quarantine_only, which beats is_valid."""
    assert "".join(ids(four.get_inbox_entries(**filters))) == wanted  # type: ignore[arg-type]  # one case, one filter


def test_what_waits_to_be_enriched(four: Database) -> None:
    """Valid and not enriched, oldest first; the order of equal times is that of their ids."""
    assert ids(four.get_inbox_not_enriched()) == ["A", "D"]
    assert ids(four.get_inbox_not_enriched(1)) == ["A"]
    four.add_inbox_entry(InboxEntry("0", "https://example.com/0", cli_source="claude", captured_at=DAY))
    assert ids(four.get_inbox_not_enriched()) == ["0", "A", "D"]
    assert ids(four.get_inbox_entries())[-2:] == ["A", "0"]


def test_the_time_of_enrichment_is_in_utc(four: Database) -> None:
    """As SQL's datetime('now') has it: UTC, whole seconds, wherever the machine stands."""
    earliest = datetime.now(timezone.utc).replace(microsecond=0, tzinfo=None)
    with local_zone("JST-9"):
        assert four.mark_inbox_enriched("A") is True
        (entry,) = (one for one in four.get_inbox_entries() if one.id == "A")
    latest = datetime.now(timezone.utc).replace(tzinfo=None)
    assert entry.enriched_at is not None
    assert earliest <= entry.enriched_at <= latest
    ((stored,),) = raw.rows(four.db_path, "SELECT enriched_at FROM sources_inbox WHERE id = 'A'")
    assert stored == entry.enriched_at.isoformat(" ", "seconds")
    assert four.mark_inbox_enriched("none") is False
    assert ids(four.get_inbox_not_enriched()) == ["D"]


def test_times_with_a_zone_are_stored_without(db: Database) -> None:
    """Local in captured_at, UTC in enriched_at: 0.3 cannot read a stored offset."""
    moment = datetime(2025, 12, 1, 10, tzinfo=timezone(timedelta(hours=9)))
    db.add_inbox_entry(InboxEntry("A", "https://a/", cli_source="x", captured_at=moment, enriched_at=moment))
    local = moment.astimezone().replace(tzinfo=None)
    rows = raw.rows(db.db_path, "SELECT captured_at, enriched_at FROM sources_inbox")
    assert rows == [(local.isoformat(), "2025-12-01T01:00:00")]


def test_counts(four: Database) -> None:
    """Of all, of those that wait, in quarantine and enriched; by the tool and by the domain."""
    assert four.get_inbox_stats() == {"total": 4, "pending": 2, "quarantine": 1, "enriched": 1}
    assert list(four.inbox.count_by("cli_source").items()) == [("claude", 2), ("cursor", 1), ("manual", 1)]
    assert four.inbox.count_by("cli_source", 1) == {"claude": 2}
    assert four.inbox.count_by("domain") == {"example.com": 4}
    four.clear_inbox(all_entries=True)
    assert four.get_inbox_stats() == {"total": 0, "pending": 0, "quarantine": 0, "enriched": 0}


@pytest.mark.parametrize(
    ("which", "removed", "left"),
    [
        ({}, 0, "DCBA"),
        ({"enriched_only": True}, 1, "DCA"),
        ({"quarantine_only": True}, 1, "DBA"),
        ({"quarantine_only": True, "enriched_only": True}, 1, "DBA"),
        ({"all_entries": True, "quarantine_only": True, "enriched_only": True}, 4, ""),
    ],
)
def test_which_addresses_are_cleared(four: Database, which: dict[str, bool], removed: int, left: str) -> None:
    """All beats quarantine, quarantine beats enriched, and none of them removes nothing."""
    assert four.clear_inbox(**which) == removed
    assert "".join(ids(four.get_inbox_entries())) == left


def test_one_address_is_deleted(four: Database) -> None:
    """And no other; an unknown id is told."""
    assert four.delete_inbox_entry("B") is True
    assert four.delete_inbox_entry("B") is False
    assert ids(four.get_inbox_entries()) == ["D", "C", "A"]


def test_a_value_that_cannot_be_read_is_named(four: Database) -> None:
    """The address and what is wrong with it, not a traceback of a parser."""
    raw.write(four.db_path, "UPDATE sources_inbox SET captured_at = 'yesterday' WHERE id = 'B'")
    with pytest.raises(CorruptError, match=r"InboxEntry B cannot be read .*yesterday"):
        four.get_inbox_entries()


def test_null_reads_as_the_default(db: Database) -> None:
    """A row that another program wrote with the fewest columns is a valid address that waits."""
    raw.write(
        db.db_path, "INSERT INTO sources_inbox(id, url, cli_source, is_valid) VALUES ('A', 'https://a/', 'x', NULL)"
    )
    (entry,) = db.get_inbox_not_enriched()
    assert (entry.is_valid, entry.import_source) == (True, "history_import")
    assert db.get_inbox_stats()["pending"] == 1
    assert ids(db.get_inbox_entries(valid_only=True)) == ["A"]


def test_a_list_is_one_query(tmp_path: Path) -> None:
    """However many addresses there are."""
    backend = CountingBackend(tmp_path / "k.db")
    register_backend("database", backend)
    with Database(tmp_path / "k.db") as db:
        for number in range(30):
            db.add_inbox_entry(InboxEntry(str(number), "https://a/", cli_source="x"))
        backend.reset()
        assert len(db.get_inbox_entries()) == 30
        assert backend.reads() == 1
