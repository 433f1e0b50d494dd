"""The knowledge base as MCP resources: what a client may attach to a conversation. Reading one counts as no access."""

from __future__ import annotations

from fastmcp.exceptions import ResourceError
from fastmcp.resources import ResourceTemplate

from rekall.mcp.failures import Told, answered_as
from rekall.mcp.ids import find
from rekall.mcp.spec import OpenDatabase
from rekall.mcp.text import listed, one_line
from rekall.mcp.tools.find import describe

ENTRY = "rekall://entry/{id}"
PROJECT = "rekall://project/{project}"
MOST_ENTRIES = 200
"""Entries that the list of a project shows at most."""


def resource_templates(open_database: OpenDatabase, told: Told = str) -> list[ResourceTemplate]:
    """The templates that a server offers, on the base that `open_database` gives.

    Args:
        open_database: gives an open base.
        told: what the caller is told of an error; its text if left out.
    """

    # The parameter is named as the place in the address, which is what FastMCP goes by.
    def entry(id: str) -> str:  # noqa: A002 - as `rekall://entry/{id}` says
        with answered_as(ResourceError, ENTRY, told):
            db = open_database()
            return describe(db, find(db, id)).text

    def project(project: str) -> str:
        with answered_as(ResourceError, PROJECT, told):
            return _project_page(open_database, project)

    return [
        ResourceTemplate.from_function(
            entry,
            ENTRY,
            name="entry",
            description="One entry with its content, links and context; the id may be a unique beginning.",
            mime_type="text/markdown",
        ),
        ResourceTemplate.from_function(
            project,
            PROJECT,
            name="project",
            description="The active entries of a project, newest first.",
            mime_type="text/markdown",
        ),
    ]


def _project_page(open_database: OpenDatabase, project: str) -> str:
    entries = open_database().list_all(project=project, limit=MOST_ENTRIES + 1)
    lines = [f"# {one_line(project)}", ""]
    for entry in entries[:MOST_ENTRIES]:
        lines += [
            f"- [{entry.id}] {entry.type}: {one_line(entry.title)}",
            f"  Tags: {listed(entry.tags)} | Created: {entry.created_at:%Y-%m-%d}",
        ]
    if not entries:
        lines.append("No active entries.")
    elif len(entries) > MOST_ENTRIES:
        lines += ["", f"These are the newest {MOST_ENTRIES}; rekall_search finds the others."]
    return "\n".join(lines)
