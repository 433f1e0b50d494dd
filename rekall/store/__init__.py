"""The base as repositories, one file per concept: all SQL of the product is in this package.

What a search needs is loaded at once, the rest when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rekall.store.contexts import Contexts
from rekall.store.entries import Entries
from rekall.store.links import Links
from rekall.store.metadata import Metadata
from rekall.store.search import Search
from rekall.store.store import OpenBase, Store

if TYPE_CHECKING:
    from rekall.store.connector_imports import ConnectorImports
    from rekall.store.embeddings import Embeddings
    from rekall.store.filters import Filters
    from rekall.store.inbox import Inbox
    from rekall.store.maintenance import Maintenance
    from rekall.store.reviews import Reviews
    from rekall.store.sources.citations import Citations
    from rekall.store.sources.domains import KnownDomains
    from rekall.store.sources.lists import SourceLists
    from rekall.store.sources.promotions import Promotions
    from rekall.store.sources.records import Sources
    from rekall.store.sources.scores import Scores
    from rekall.store.sources.themes import Themes
    from rekall.store.staging import Staging
    from rekall.store.suggestions import Suggestions
    from rekall.store.unembedded import Unembedded
    from rekall.store.vectors import Vectors

__all__ = [
    "Citations",
    "ConnectorImports",
    "Contexts",
    "Embeddings",
    "Entries",
    "Filters",
    "Inbox",
    "KnownDomains",
    "Links",
    "Maintenance",
    "Metadata",
    "OpenBase",
    "Promotions",
    "Reviews",
    "Scores",
    "Search",
    "SourceLists",
    "Sources",
    "Staging",
    "Store",
    "Suggestions",
    "Themes",
    "Unembedded",
    "Vectors",
]

_LOADED_ON_USE = {
    "Citations": "sources.citations",
    "ConnectorImports": "connector_imports",
    "Embeddings": "embeddings",
    "Filters": "filters",
    "Inbox": "inbox",
    "KnownDomains": "sources.domains",
    "Maintenance": "maintenance",
    "Promotions": "sources.promotions",
    "Reviews": "reviews",
    "Scores": "sources.scores",
    "SourceLists": "sources.lists",
    "Sources": "sources.records",
    "Staging": "staging",
    "Suggestions": "suggestions",
    "Themes": "sources.themes",
    "Unembedded": "unembedded",
    "Vectors": "vectors",
}


def __getattr__(name: str) -> Any:
    """Find a repository that is loaded on use (PEP 562)."""
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LOADED_ON_USE[name]}"), name)
