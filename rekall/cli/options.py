"""Arguments and options that several commands share, with their completion."""

from typing import Annotated, Any

import typer


def complete_type(incomplete: str) -> list[str]:
    """The entry types that begin so."""
    from rekall.models import VALID_TYPES

    return [value for value in VALID_TYPES if value.startswith(incomplete)]


def complete_memory_type(incomplete: str) -> list[str]:
    """The memory types that begin so."""
    from rekall.models import VALID_MEMORY_TYPES

    return [value for value in VALID_MEMORY_TYPES if value.startswith(incomplete)]


def complete_relation(incomplete: str) -> list[str]:
    """The relation types that begin so."""
    from rekall.models import VALID_RELATION_TYPES

    return [value for value in VALID_RELATION_TYPES if value.startswith(incomplete)]


def complete_id(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids that begin so, with their titles; the newest ones when nothing is typed. Creates and migrates nothing."""
    from rekall.cli.completion import entry_ids

    return entry_ids(ctx, incomplete)


def entry_id_argument(text: str, **settings: Any) -> Any:
    """An argument that takes an id, or a prefix of one."""
    return typer.Argument(help=text, show_default=False, autocompletion=complete_id, **settings)


EntryId = Annotated[str, entry_id_argument("Id of the entry, or a prefix of it.")]
JsonOutput = Annotated[bool, typer.Option("--json", help="Answer with a JSON document.")]
TypeFilter = Annotated[str | None, typer.Option("--type", "-t", help="Only this type.", autocompletion=complete_type)]
ProjectFilter = Annotated[str | None, typer.Option("--project", "-p", help="Only this project.")]
MemoryTypeFilter = Annotated[
    str | None, typer.Option("--memory-type", "-m", help="Only this memory type.", autocompletion=complete_memory_type)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
