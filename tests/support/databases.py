"""The database files of every schema of Rekall 0.3, unpacked where a test may write, and what they hold."""

from __future__ import annotations

import functools
import json
import lzma
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "databases"
NAMES = sorted(path.name.removesuffix(".xz") for path in FOLDER.glob("*.db.xz"))


def unpack(name: str, folder: Path) -> Path:
    """A fresh copy of a sample file, under its own name, in `folder`."""
    target = folder / name
    target.write_bytes(lzma.decompress((FOLDER / f"{name}.xz").read_bytes()))
    return target


@functools.cache
def expected() -> dict[str, Any]:
    """What was recorded of the files."""
    loaded: dict[str, Any] = json.loads(lzma.decompress((FOLDER / "expected.json.xz").read_bytes()))
    return loaded


def opened(name: str) -> dict[str, Any]:
    """What 0.3 read from a sample file.

    For v06's keywords (a fault of 0.3) what v07 says applies, for v12-enrichment-only, which 0.3 refuses, what v12 says
    but for the added columns.
    """
    files = expected()["files"]
    facts: dict[str, Any] = dict(files[name]["opened_by_upstream_head"])
    if "entries" not in facts:
        facts = dict(files["v12.db"]["opened_by_upstream_head"])
        facts["entries"] = {
            key: {column: value for column, value in entry.items() if column != "centrality_score"}
            for key, entry in facts["entries"].items()
        }
    if name == "v06.db":
        facts["search_by_keywords"] = files["v07.db"]["opened_by_upstream_head"]["search_by_keywords"]
    return facts
