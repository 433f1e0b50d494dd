"""The commands of `rekall sources` by name, and those of the groups inside it."""

from __future__ import annotations

from rekall.cli.commands import CommandGroup

INBOX = CommandGroup(
    "inbox",
    "Addresses as they were captured, before anything is known of them.",
    {
        "Commands": {
            "add": ("sources.inbox:add", "Put an address into the inbox."),
            "list": ("sources.inbox:list_entries", "List the addresses, newest first."),
            "stats": ("sources.inbox:stats", "Count the addresses by state, tool and domain."),
            "clear": ("sources.inbox:clear", "Remove addresses from the inbox."),
        }
    },
    {"ls": "list", "show": "list", "rm": "clear", "delete": "clear"},
    ("import", "browse"),
)

STAGING = CommandGroup(
    "staging",
    "Pages on their way to becoming sources.",
    {
        "Commands": {
            "list": ("sources.staging:list_pages", "List the pages, best score first."),
            "stats": ("sources.staging:stats", "Count the pages by state, kind and domain."),
            "promote": ("sources.staging:promote", "Make a source of a page, or of all that have earned it."),
            "drop": ("sources.staging:drop", "Remove a page."),
        }
    },
    {"ls": "list", "show": "list", "rm": "drop", "delete": "drop"},
    ("enrich", "browse"),
)

SOURCES = CommandGroup(
    "sources",
    "Where knowledge comes from: the pages and sites that entries cite.",
    {
        "Look": {
            "list": ("sources.lists:list_sources", "List the sources, best score first."),
            "stats": ("sources.lists:stats", "Count the sources by role, reliability and state."),
            "list-themes": ("sources.lists:list_themes", "List the themes that sources have."),
            "suggest": ("sources.lists:suggest", "Suggest the sources of a theme."),
        },
        "Keep in order": {
            "classify": ("sources.roles:classify", "Set the role of a source."),
            "add-theme": ("sources.roles:add_theme", "Give a source a theme."),
            "demote": ("sources.roles:demote", "Take the promotion of a source back."),
            "recalculate": ("sources.scores:recalculate", "Compute scores and promotions anew."),
            "verify": ("sources.verify:verify", "Check over the network which sources can be reached."),
            "migrate": ("sources.research:migrate", "Import the sources that research notes name."),
        },
        "On the way in": {
            "inbox": ("sources.table:INBOX", "Addresses as they were captured."),
            "staging": ("sources.table:STAGING", "Pages on their way to becoming sources."),
        },
        "Settings": {
            "promotion-config": ("sources.settings:promotion_config", "Show or change what decides on promotion."),
            "autoscan-config": ("sources.settings:autoscan_config", "Show or change the automatic scan."),
        },
    },
    {"ls": "list", "check": "verify", "themes": "list-themes", "info": "stats", "promote": "staging"},
    ("scan", "setup-hook"),
)
