"""Every command of the program by name: where it is, and the line that help shows for it.

A table instead of imports: help lists all commands without loading any, and a command loads its own module alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Sections = Mapping[str, Mapping[str, tuple[str, str]]]
"""By heading and name: `module:function` below `rekall.cli`, and the line that help shows."""


class CommandGroup(NamedTuple):
    """Commands with a word before them, such as `sources`.

    Args:
        name: the word.
        help: what help says above the commands.
        sections: its commands and, as `module:GROUP`, the groups inside it.
        other_words: what people type for a command that has another name.
        pending: commands of Rekall 0.3 that are not here yet.
        alone: `module:function` of what the word does without a command after it.
    """

    name: str
    help: str
    sections: Sections
    other_words: Mapping[str, str] = {}
    pending: tuple[str, ...] = ()
    alone: str = ""


SECTIONS: Sections = {
    "Find": {
        "search": ("search:search", "Find entries by words, phrases and context."),
        "browse": ("search:browse", "List entries, newest first."),
        "show": ("show:show", "Show one entry with its context and links."),
        "similar": ("similar:similar", "List the entries most similar to an entry, or to a text."),
    },
    "Capture": {
        "add": ("add:add", "Store a new entry."),
        "edit": ("edit:edit", "Change an entry, by options or in an editor."),
        "deprecate": ("retire:deprecate", "Mark an entry as obsolete."),
        "delete": ("retire:delete", "Remove an entry for good."),
    },
    "Connect": {
        "link": ("links:link", "Link two entries."),
        "unlink": ("links:unlink", "Remove the link between two entries."),
        "related": ("links:related", "List the entries linked to one."),
        "graph": ("graph:graph", "Draw the links around an entry."),
        "centrality": ("links:centrality", "Compute how central entries are among their links."),
    },
    "Keep in order": {
        "review": ("review:review", "Go over the entries that are due, and rate how well you knew them."),
        "stale": ("stale:stale", "List entries that nobody has looked at for long."),
        "consolidation": ("consolidation:consolidation", "Find groups of entries that one entry could stand for."),
        "generalize": ("generalize:generalize", "Make one entry out of several."),
        "suggest": ("suggest:suggest", "List the pending suggestions, newest first, or decide on one."),
    },
    "Sources": {
        "sources": ("sources.table:SOURCES", "Where knowledge comes from: the pages and sites that entries cite."),
    },
    "The base": {
        "info": ("base:info", "Say what the base holds."),
        "init": ("base:init", "Create the base and its directories."),
        "export": ("export:export", "Write the base as an archive, JSON or Markdown."),
        "import": ("importing:import_", "Bring in what a file holds, all of it or nothing."),
        "backup": ("backup:backup", "Copy the base to a file, also while others use it."),
        "restore": ("restore:restore", "Put a backup in the place of the base."),
        "migrate": ("migrate:migrate", "Bring an older base to the current schema."),
        "embeddings": (
            "embeddings:embeddings",
            "Say which entries can be found by meaning, or compute their vectors.",
        ),
        "backends": ("backends.table:BACKENDS", "List the back ends there are, or try those that are selected."),
        "doctor": ("doctor:doctor", "Check everything, and say how to mend what is wrong."),
    },
    "The program": {
        "config": ("about:config", "Show every setting and where it came from."),
        "version": ("about:version", "Show the version of Rekall and of the base."),
        "changelog": ("about:changelog", "Show what changed in Rekall."),
        "mcp": ("mcp:mcp", "Serve AI assistants over stdio (MCP), or print the lines to set one up."),
        "mcp-server": ("mcp:mcp", "The older name of mcp."),
    },
}

GROUPS = frozenset({"sources"})

COMMANDS: Mapping[str, tuple[str, str]] = {
    name: command for section in SECTIONS.values() for name, command in section.items() if name not in GROUPS
}

OTHER_WORDS: Mapping[str, str] = {
    "list": "browse",
    "ls": "browse",
    "find": "search",
    "query": "search",
    "get": "show",
    "view": "show",
    "new": "add",
    "create": "add",
    "update": "edit",
    "change": "edit",
    "remove": "delete",
    "rm": "delete",
    "check": "doctor",
    "stats": "info",
    "embed": "embeddings",
    "vectors": "embeddings",
    "reindex": "embeddings",
    "status": "info",
    "serve": "mcp",
    "setup": "init",
    "dump": "export",
    "load": "import",
    "snapshot": "backup",
    "backups": "backup",
    "backend": "backends",
    "plugins": "backends",
}
"""What people type for a command that has another name, for the hint."""

PENDING = ("hooks", "install", "research")
"""Commands of Rekall 0.3 that this development version does not have yet (`migration_guide.md`)."""
