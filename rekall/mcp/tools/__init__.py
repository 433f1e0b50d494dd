"""Every tool, one file for each thing that an assistant does; `TOOLS` is what a server offers."""

from __future__ import annotations

from typing import Any

from rekall.mcp.spec import ToolSpec
from rekall.mcp.tools.capture import ADD
from rekall.mcp.tools.find import GET_CONTEXT, SEARCH, SHOW
from rekall.mcp.tools.guide import HELP, INFO
from rekall.mcp.tools.likeness import GENERALIZE, SIMILAR
from rekall.mcp.tools.links import LINK, RELATED, UNLINK
from rekall.mcp.tools.retire import DELETE, DEPRECATE
from rekall.mcp.tools.sources import SOURCES_SUGGEST, SOURCES_VERIFY
from rekall.mcp.tools.upkeep import STALE, SUGGEST

TOOLS: tuple[ToolSpec[Any], ...] = (
    HELP,
    SEARCH,
    SHOW,
    ADD,
    LINK,
    UNLINK,
    RELATED,
    GET_CONTEXT,
    INFO,
    SIMILAR,
    SUGGEST,
    GENERALIZE,
    STALE,
    SOURCES_SUGGEST,
    SOURCES_VERIFY,
    DEPRECATE,
    DELETE,
)
