"""Domains whose role is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from support import databases, raw
from support.zones import local_zone

from rekall.db import Database
from rekall.store.schema import KNOWN_DOMAINS


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def test_a_new_base_knows_25(db: Database) -> None:
    """Those that schema 9 brought, each with its role."""
    assert sum(len(domains) for domains in KNOWN_DOMAINS.values()) == 25
    for role, domains in KNOWN_DOMAINS.items():
        for domain in domains:
            known = db.get_known_domain(domain.upper())
            assert known is not None
            assert (known["domain"], known["role"]) == (domain, role)
            assert list(known) == ["domain", "role", "notes"]


def test_what_0_3_wrote_is_found(tmp_path: Path) -> None:
    """The domain that somebody added to the sample, and the counts by role."""
    with Database(databases.unpack("v12.db", tmp_path)) as db:
        rows = raw.rows(db.db_path, "SELECT domain, role, notes FROM known_domains")
        counts = databases.opened("v12.db")["known_domains_count_by_role"]
        assert {role: sum(row[1] == role for row in rows) for role in counts} == counts
        for domain, role, notes in rows:
            assert db.get_known_domain(domain) == {"domain": domain, "role": role, "notes": notes}


def test_a_domain_is_added_once_in_lower_case(db: Database) -> None:
    """Found in any case; the second one changes nothing; a subdomain is another domain."""
    assert db.add_known_domain("Docs.Example.COM", "authority", "ours") is True
    assert db.add_known_domain("docs.example.com", "hub") is False
    wanted = {"domain": "docs.example.com", "role": "authority", "notes": "ours"}
    assert db.get_known_domain("DOCS.example.com") == wanted
    assert db.get_known_domain("example.com") is None
    assert db.get_known_domain("a.docs.example.com") is None


@pytest.mark.parametrize(("domain", "role"), [("a.example", "unclassified"), ("a.example", ""), (" ", "hub")])
def test_what_is_not_added(db: Database, domain: str, role: str) -> None:
    """Another role, a blank domain: False, and no row."""
    before = raw.rows(db.db_path, "SELECT * FROM known_domains")
    assert db.add_known_domain(domain, role) is False
    assert raw.rows(db.db_path, "SELECT * FROM known_domains") == before


def test_the_time_of_adding_is_in_utc(db: Database) -> None:
    """As SQL's datetime('now') has it, wherever the machine stands."""
    earliest = datetime.now(timezone.utc).replace(microsecond=0, tzinfo=None)
    with local_zone("JST-9"):
        db.add_known_domain("a.example", "hub")
    ((stored,),) = raw.rows(db.db_path, "SELECT created_at FROM known_domains WHERE domain = 'a.example'")
    assert earliest <= datetime.strptime(stored, "%Y-%m-%d %H:%M:%S") <= datetime.now(timezone.utc).replace(tzinfo=None)
