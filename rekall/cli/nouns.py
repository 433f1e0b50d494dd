"""What the records of an export or an import are called."""

from __future__ import annotations

from collections.abc import Mapping

from rekall.cli.output import counted

_NOUNS: Mapping[str, tuple[str, ...]] = {
    "entries": ("entry",),
    "links": ("link",),
    "sources": ("source",),
    "entry_sources": ("citation",),
    "suggestions": ("suggestion",),
    "sources_inbox": ("captured page",),
    "sources_staging": ("staged page",),
    "embeddings": ("vector",),
}


def nouns(records: Mapping[str, int]) -> str:
    """How many of each there are, as `39 entries, 13 links, 2 other records`; what there is none of is left out."""
    named = [counted(records[table], *words) for table, words in _NOUNS.items() if records.get(table)]
    others = sum(number for table, number in records.items() if table not in _NOUNS)
    return ", ".join([*named, *([counted(others, "other record")] if others else [])])
