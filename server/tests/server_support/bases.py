"""Bases that servers are tried on."""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path

from rekall.db import Database
from rekall.models import Entry

WORDS = ("timeout", "proxy", "deadlock", "migration", "certificate", "encoding", "pool", "cursor", "locale", "replica")


def broad_base(path: Path, entries: int = 4000) -> Path:
    """A base in which every two of `WORDS` together are a broad query: each is in about 4 of 10 entries.

    Args:
        path: of the new file.
        entries: how many.
    """
    chance = random.Random(7)  # noqa: S311  # the same base each time
    moment = datetime(2026, 1, 1)
    with Database(path) as database:
        for number in range(entries):
            words = [word for word in WORDS if chance.random() < 0.4]
            database.add(
                Entry(
                    id=f"01TEST{number:020d}",
                    type="bug",
                    title=f"entry number{number}",
                    content=" ".join(words),
                    created_at=moment,
                    updated_at=moment,
                )
            )
    return path
